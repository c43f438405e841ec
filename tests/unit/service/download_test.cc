// Downloads through a whole daemon: shared, cancelled, remembered.
#include <atomic>
#include <semaphore>
#include <thread>

#include "common/types/hash.h"
#include "tests/support/http_server.h"
#include "tests/unit/service/daemon_fixture.h"

namespace kiln::service {
namespace {

using test::eventually;
using test::HttpExchange;
using test::HttpServer;
using testing::ElementsAre;

class DownloadTest : public testing::Test {
 protected:
  v1::DownloadRequest request(const std::string& url, const std::string& content) {
    const FileDigest digest = file_digest_of(content);
    v1::DownloadRequest request;
    *request.mutable_caller() = house_.caller();
    request.set_url(url);
    request.mutable_file_digest()->set_hash(to_hex(digest.hash));
    request.mutable_file_digest()->set_size_bytes(digest.size);
    return request;
  }
  grpc::Status download(const std::string& url, const std::string& content) {
    grpc::ClientContext context;
    v1::DigestResponse response;
    return house_.digests().Download(&context, request(url, content), &response);
  }

  test::DaemonHouse house_;
};

TEST_F(DownloadTest, ManyClientsAtOnceAreOneRequest) {
  constexpr int kClients = 20;
  std::counting_semaphore<> all_are_here(0);
  HttpServer server([&](HttpExchange& e) {
    all_are_here.acquire();
    e.answer(200, "shared");
  });
  std::atomic<int> went_well = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] { went_well += download(server.url("/f"), "shared").ok() ? 1 : 0; });
  }
  EXPECT_TRUE(eventually([&] { return house_.counter("memo.joined") == kClients - 1; }));
  all_are_here.release(kClients);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(went_well, kClients);
  EXPECT_THAT(server.requests(), ElementsAre("/f"));
}

TEST_F(DownloadTest, AClientThatLeavesEndsTheTransferAndAnotherMayAskAgain) {
  std::atomic<bool> hangs = true;
  HttpServer server([&](HttpExchange& e) {
    if (hangs) return e.wait_for_end();
    e.answer(200, "patience");
  });
  grpc::ClientContext context;
  std::thread client([&] {
    v1::DigestResponse response;
    const auto status =
        house_.digests().Download(&context, request(server.url("/f"), "patience"), &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  });
  EXPECT_TRUE(eventually([&] { return server.requests().size() == 1; }));
  context.TryCancel();
  client.join();
  EXPECT_TRUE(eventually([&] { return server.connections() == 0; }));
  hangs = false;
  EXPECT_TRUE(download(server.url("/f"), "patience").ok());
}

TEST_F(DownloadTest, ADaemonThatStopsDoesNotWaitForAServer) {
  HttpServer server([](HttpExchange& e) { e.wait_for_end(); });
  std::thread client([&] { EXPECT_FALSE(download(server.url("/f"), "never").ok()); });
  EXPECT_TRUE(eventually([&] { return server.requests().size() == 1; }));
  house_.stop();
  client.join();
  EXPECT_TRUE(eventually([&] { return server.connections() == 0; }));
}

TEST_F(DownloadTest, AFailureIsForgottenAndASuccessIsNot) {
  std::atomic<int> status = 404;
  HttpServer server([&](HttpExchange& e) { e.answer(status, "late"); });
  EXPECT_EQ(download(server.url("/f"), "late").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(download(server.url("/f"), "late").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(server.requests().size(), 2u);
  status = 200;
  EXPECT_TRUE(download(server.url("/f"), "late").ok());
  EXPECT_TRUE(download(server.url("/f"), "late").ok());
  // Neither asked the server nor, the same URL again, the store.
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(house_.counter("fetch.found"), 0u);
  // Another URL, the same content.
  EXPECT_TRUE(download(server.url("/g"), "late").ok());
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(house_.counter("fetch.found"), 1u);
}

}  // namespace
}  // namespace kiln::service
