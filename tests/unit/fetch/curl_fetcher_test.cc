// Against a real server on this machine, which does what servers do to their clients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "daemon/fetch/fetchers.h"
#include "tests/support/eventually.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/fetch/recording_sink.h"

namespace kiln::fetch {
namespace {

using test::HttpExchange;
using test::HttpServer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CurlFetcherTest : public testing::Test {
 protected:
  CurlFetcherTest() {
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                             "no_proxy", "NO_PROXY"}) {
      ::unsetenv(name);
    }
    options_.netrc = disk_.path("netrc");
  }

  Result<void> fetch(const std::string& url) {
    return make_curl_fetcher(options_, counters_)
        ->fetch(*Url::parse(url), sink_, stop_.get_token());
  }
  Error failure(const std::string& url) {
    const auto fetched = fetch(url);
    EXPECT_FALSE(fetched.ok());
    return fetched.ok() ? internal_error("it went well") : fetched.error();
  }
  static int code_of(const Error& error) { return exit_code(error.code(), error.blame()); }
  void trust(const HttpServer& server) {
    disk_.write("ca.pem", server.certificate());
    options_.ca_bundle = disk_.path("ca.pem");
  }

  test::TempDirectory disk_;
  HttpOptions options_;
  RecordingSink sink_;
  std::stop_source stop_;
  Counters counters_;
};

TEST_F(CurlFetcherTest, TheBodyIsTheFile) {
  const std::string content(3'000'000, 'x');
  HttpServer server([&](HttpExchange& e) { e.answer(200, content); });
  ASSERT_TRUE(fetch(server.url("/f?version=1")).ok());
  EXPECT_EQ(sink_.bytes, content);
  EXPECT_THAT(sink_.announced, ElementsAre(3'000'000));
  EXPECT_THAT(server.requests(), ElementsAre("/f?version=1"));
  EXPECT_EQ(counters_["fetch.requests"].value(), 1);
  EXPECT_EQ(counters_["fetch.bytes"].value(), 3'000'000);
}

TEST_F(CurlFetcherTest, AChunkedBodyAnnouncesNoSize) {
  HttpServer server([](HttpExchange& e) {
    e.send("HTTP/1.1 200 so\r\nTransfer-Encoding: chunked\r\n\r\n");
    e.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  });
  ASSERT_TRUE(fetch(server.url("/f")).ok());
  EXPECT_EQ(sink_.bytes, "abcde");
  EXPECT_THAT(sink_.announced, ElementsAre(std::nullopt));
}

TEST_F(CurlFetcherTest, AnEmptyFileIsAFile) {
  HttpServer server([](HttpExchange& e) { e.answer(200, ""); });
  ASSERT_TRUE(fetch(server.url("/f")).ok());
  EXPECT_THAT(sink_.announced, ElementsAre(0));
}

TEST_F(CurlFetcherTest, WhatAServerSaysInsteadIsNobodysContent) {
  HttpServer server([](HttpExchange& e) { e.answer(404, "a page that says no"); });
  const Error error = failure(server.url("/f?token=cret"));
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_EQ(code_of(error), 2);
  EXPECT_THAT(error.to_string(),
              AllOf(HasSubstr(server.url("/f")), HasSubstr("404"), Not(HasSubstr("cret"))));
  EXPECT_THAT(sink_.announced, IsEmpty());
}

TEST_F(CurlFetcherTest, WhatIsNotAllowedSaysWhereNamesAndPasswordsGo) {
  HttpServer server([](HttpExchange& e) { e.answer(401, "who are you?"); });
  EXPECT_THAT(failure(server.url("/f")).to_string(), HasSubstr("~/.netrc"));
}

TEST_F(CurlFetcherTest, ARedirectToNowhereIsNoFile) {
  HttpServer server([](HttpExchange& e) { e.answer(302, "moved"); });
  EXPECT_THAT(failure(server.url("/f")).to_string(), HasSubstr("302"));
  EXPECT_THAT(sink_.announced, IsEmpty());
}

TEST_F(CurlFetcherTest, AServerInTroubleMayBeAskedAgain) {
  HttpServer server([](HttpExchange& e) { e.answer(503, "later"); });
  const Error error = failure(server.url("/f"));
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(error), 125);
  EXPECT_THAT(error.to_string(), HasSubstr("503"));
}

TEST_F(CurlFetcherTest, NobodyAtTheAddressIsSaidWithWhatToCheck) {
  HttpServer server([](HttpExchange&) {});
  const std::string url = server.url("/f");
  server.stop();
  const Error error = failure(url);
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.to_string(),
              AllOf(HasSubstr(url), HasSubstr("Connection refused"), HasSubstr("http_proxy")));
}

TEST_F(CurlFetcherTest, AConnectionThatBreaksMayBeTriedAgain) {
  HttpServer server([](HttpExchange& e) {
    e.send("HTTP/1.1 200 so\r\nContent-Length: 10\r\n\r\n");
    e.send("half");
  });
  EXPECT_EQ(failure(server.url("/f")).code(), ErrorCode::kUnavailable);
  HttpServer silent([](HttpExchange&) {});
  EXPECT_EQ(failure(silent.url("/f")).code(), ErrorCode::kUnavailable);
}

TEST_F(CurlFetcherTest, ASinkThatHasEnoughEndsTheTransfer) {
  std::atomic<bool> left = false;
  HttpServer server([&](HttpExchange& e) {
    e.send("HTTP/1.1 200 so\r\nConnection: close\r\n\r\n");
    while (e.send(std::string(1000, 'x'))) {
    }
    left = true;
  });
  sink_.limit = 10;
  EXPECT_EQ(failure(server.url("/endless")).message(), "the sink has enough");
  EXPECT_TRUE(test::eventually([&] { return left.load(); }));
}

TEST_F(CurlFetcherTest, RedirectsAreFollowed) {
  HttpServer server([](HttpExchange& e) {
    if (e.target() == "/end") return e.answer(200, "found");
    e.answer(302, "elsewhere", "Location: /end\r\n");
  });
  ASSERT_TRUE(fetch(server.url("/start")).ok());
  EXPECT_EQ(sink_.bytes, "found");
  EXPECT_THAT(server.requests(), ElementsAre("/start", "/end"));
}

TEST_F(CurlFetcherTest, RedirectsInACircleEnd) {
  HttpServer server([](HttpExchange& e) { e.answer(302, "", "Location: /f\r\n"); });
  EXPECT_THAT(failure(server.url("/f")).to_string(), HasSubstr("more than 10 times"));
  EXPECT_EQ(server.requests().size(), 11u);
}

TEST_F(CurlFetcherTest, NoServerLeadsToAFileOfThisMachine) {
  disk_.write("private", "cret");
  for (const std::string& to :
       {"file://" + disk_.path("private"), std::string("ftp://127.0.0.1/x")}) {
    HttpServer server([&](HttpExchange& e) { e.answer(302, "", "Location: " + to + "\r\n"); });
    const Error error = failure(server.url("/f"));
    EXPECT_THAT(error.to_string(), HasSubstr("redirects"));
    EXPECT_EQ(code_of(error), 125) << "the server is wrong, not the request";
    EXPECT_EQ(sink_.bytes, "");
  }
}

TEST_F(CurlFetcherTest, AHangingTransferEndsWhenItIsCancelled) {
  HttpServer server([](HttpExchange& e) {
    e.send("HTTP/1.1 200 so\r\nContent-Length: 10\r\n\r\nhalf");
    e.wait_for_end();
  });
  std::thread cancelling([&] {
    EXPECT_TRUE(test::eventually([&] { return server.requests().size() == 1; }));
    stop_.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  const Error error = failure(server.url("/f"));
  cancelling.join();
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, options_.stall_timeout / 2);
  EXPECT_TRUE(test::eventually([&] { return server.connections() == 0; }));
}

TEST_F(CurlFetcherTest, WhatWasCancelledBeforeIsNotAskedFor) {
  HttpServer server([](HttpExchange& e) { e.answer(200, "x"); });
  stop_.request_stop();
  EXPECT_EQ(failure(server.url("/f")).code(), ErrorCode::kCancelled);
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(CurlFetcherTest, AServerThatFallsSilentIsLeft) {
  HttpServer server([](HttpExchange& e) { e.wait_for_end(); });
  options_.stall_timeout = std::chrono::seconds(1);
  EXPECT_EQ(failure(server.url("/f")).code(), ErrorCode::kUnavailable);
}

TEST_F(CurlFetcherTest, TheProxyOfTheEnvironmentIsUsed) {
  HttpServer proxy([](HttpExchange& e) { e.answer(200, "by proxy"); });
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  ASSERT_TRUE(fetch("http://nowhere.invalid/f").ok());
  ::unsetenv("http_proxy");
  EXPECT_THAT(proxy.requests(), ElementsAre("http://nowhere.invalid/f"));
}

TEST_F(CurlFetcherTest, AnUntrustedCertificateIsRefusedBeforeAnythingIsAsked) {
  HttpServer server([](HttpExchange& e) { e.answer(200, "lies"); }, HttpServer::Kind::kHttps);
  const Error error = failure(server.url("/f"));
  EXPECT_NE(error.code(), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(error), 125);
  EXPECT_THAT(error.to_string(), AllOf(HasSubstr(server.url("/f")), HasSubstr("not trusted"),
                                       HasSubstr("SSL_CERT_FILE")));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(CurlFetcherTest, ACertificateMustBeOfTheHostThatIsAsked) {
  HttpServer server([](HttpExchange& e) { e.answer(200, "lies"); }, HttpServer::Kind::kHttps);
  trust(server);
  const std::string port = server.url("").substr(server.url("").rfind(':'));
  EXPECT_THAT(failure("https://localhost" + port + "/f").to_string(), HasSubstr("not trusted"));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(CurlFetcherTest, AnAuthorityOfTheBundleIsTrusted) {
  HttpServer server([](HttpExchange& e) { e.answer(200, "truth"); }, HttpServer::Kind::kHttps);
  trust(server);
  ASSERT_TRUE(fetch(server.url("/f")).ok());
  EXPECT_EQ(sink_.bytes, "truth");
}

TEST_F(CurlFetcherTest, ABundleThatIsNotThereIsNamed) {
  HttpServer server([](HttpExchange& e) { e.answer(200, "truth"); }, HttpServer::Kind::kHttps);
  options_.ca_bundle = disk_.path("none.pem");
  EXPECT_THAT(failure(server.url("/f")).to_string(), HasSubstr("none.pem"));
}

TEST_F(CurlFetcherTest, HttpsDoesNotLeadToHttp) {
  HttpServer plain([](HttpExchange& e) { e.answer(200, "lies"); });
  HttpServer server([&](HttpExchange& e) { e.answer(302, "", "Location: " + plain.url("/f\r\n")); },
                    HttpServer::Kind::kHttps);
  trust(server);
  EXPECT_THAT(failure(server.url("/f")).to_string(), HasSubstr("redirects"));
  EXPECT_THAT(plain.requests(), IsEmpty());
}

TEST_F(CurlFetcherTest, NamesAndPasswordsOfNetrcGoToHttpsAlone) {
  disk_.write("netrc", "machine 127.0.0.1 login me password cret\n");
  std::string sent;
  const auto handler = [&](HttpExchange& e) {
    sent = e.header("authorization");
    e.answer(200, "x");
  };
  {
    HttpServer plain(handler);
    ASSERT_TRUE(fetch(plain.url("/f")).ok());
  }
  EXPECT_EQ(sent, "");
  {
    HttpServer server(handler, HttpServer::Kind::kHttps);
    trust(server);
    ASSERT_TRUE(fetch(server.url("/f")).ok());
  }
  EXPECT_EQ(sent, "Basic bWU6Y3JldA==");
}

TEST_F(CurlFetcherTest, WhatBeganAnewIsReceivedWhole) {
  std::atomic<int> asked = 0;
  HttpServer server([&](HttpExchange& e) {
    switch (asked++) {
      case 0:
        return e.answer(500, "trouble");
      case 1:
        e.send("HTTP/1.1 200 so\r\nContent-Length: 10\r\n\r\n");
        e.send("012");
        return;
      default:
        e.answer(200, "0123456789");
    }
  });
  const auto at_once = [](std::chrono::milliseconds, const std::stop_token&) {};
  const auto fetcher = make_retrying_fetcher(make_curl_fetcher(options_, counters_), RetryPolicy(),
                                             at_once, counters_);
  ASSERT_TRUE(fetcher->fetch(*Url::parse(server.url("/f")), sink_, stop_.get_token()).ok());
  EXPECT_EQ(sink_.bytes, "0123456789");
  EXPECT_THAT(sink_.announced, ElementsAre(10, 10));
  EXPECT_EQ(asked, 3);
}

}  // namespace
}  // namespace kiln::fetch
