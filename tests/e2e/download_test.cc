// `kiln digest download`: from servers, by the real daemon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "common/types/hash.h"
#include "tests/support/http_server.h"
#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Downloads : public KilnTest {
 protected:
  Outcome download(const std::string& url, const std::string& content) {
    const FileDigest digest = file_digest_of(content);
    return kiln({"digest", "download", url, to_hex(digest.hash), std::to_string(digest.size)});
  }
  std::string log() { return slurp(home() / "log/kilnd.log"); }
};

TEST_F(Downloads, AFileIsATreeThatProcessesCanUse) {
  const std::string content(200'000, 'x');
  HttpServer server([&](HttpExchange& e) { e.answer(200, content); });
  const Outcome outcome = download(server.url("/dir/big%20file?v=1"), content);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const std::string tree = outcome.out.substr(0, outcome.out.find('\n'));
  EXPECT_EQ(kiln({"digest", "ls", tree}).out, "big file\n");
  EXPECT_EQ(kiln({"exec", "--digest", tree, "--", "wc", "-c", "big file"}).out,
            "200000 big file\n");
}

TEST_F(Downloads, AfterARestartNobodyIsAsked) {
  HttpServer server([](HttpExchange& e) { e.answer(200, "kept"); });
  const std::string url = server.url("/f");
  const Outcome first = download(url, "kept");
  ASSERT_EQ(first.exit_code, 0) << first.err;
  stop_daemon();
  server.stop();
  const Outcome second = download(url, "kept");
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(second.out, first.out);
  EXPECT_EQ(counter("fetch.requests"), 0);
  EXPECT_THAT(server.requests(), ElementsAre("/f"));
}

TEST_F(Downloads, TheAnswerIsAlsoJson) {
  write("f", "local");
  const FileDigest digest = file_digest_of("local");
  const auto document =
      kiln_json({"--json", "digest", "download", "file://" + (workspace() / "f").string(),
                 to_hex(digest.hash), std::to_string(digest.size)});
  EXPECT_THAT(document.value("digest", ""), HasSubstr("/"));
}

TEST_F(Downloads, WhatIsWrongIsSaidAndDecidesTheExitCode) {
  HttpServer server(
      [](HttpExchange& e) { e.target() == "/f" ? e.answer(200, "other") : e.answer(404, "no"); });
  const Outcome other = download(server.url("/f"), "right");
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, AllOf(HasSubstr(to_string(file_digest_of("right"))),
                               HasSubstr(to_string(file_digest_of("other")))));
  const Outcome absent = download(server.url("/none"), "right");
  EXPECT_EQ(absent.exit_code, 2);
  EXPECT_THAT(absent.err, AllOf(HasSubstr(server.url("/none")), HasSubstr("404")));
  EXPECT_THAT(server.requests(), ElementsAre("/f", "/none"));
  server.stop();
  const Outcome refused = download(server.url("/f"), "right");
  EXPECT_EQ(refused.exit_code, 125);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("Connection refused"), HasSubstr("4 attempts")));
  EXPECT_EQ(kiln({"digest", "download", "https://example.com/f", "short", "1"}).exit_code, 2);
  EXPECT_EQ(kiln({"digest", "download", "https://example.com/f"}).exit_code, 2);
}

TEST_F(Downloads, SecretsOfAUrlAreNeitherShownNorLogged) {
  HttpServer server([](HttpExchange& e) { e.answer(404, "no"); });
  const Outcome password = download("http://me:cret@" + server.address() + "/f", "x");
  EXPECT_EQ(password.exit_code, 2);
  EXPECT_THAT(password.err, AllOf(HasSubstr("netrc"), Not(HasSubstr("cret"))));
  EXPECT_THAT(server.requests(), IsEmpty());
  const Outcome signature = download(server.url("/f?signature=cret"), "x");
  EXPECT_THAT(signature.err, AllOf(HasSubstr("404"), Not(HasSubstr("cret"))));
  const Outcome query =
      kiln({"rules", "query", "Snapshot",
            R"(DownloadFile={"url":")" + server.url("/f?signature=cret") +
                R"(","expected_digest":")" + to_string(file_digest_of("x")) + "\"}"});
  EXPECT_THAT(query.err, AllOf(HasSubstr("404"), Not(HasSubstr("cret"))));
  EXPECT_THAT(log(), Not(HasSubstr("cret")));
}

TEST_F(Downloads, ARuleGetsASnapshotOfIt) {
  HttpServer server([](HttpExchange& e) { e.answer(200, "seen"); });
  const auto snapshot =
      kiln_json({"rules", "query", "Snapshot",
                 R"(DownloadFile={"url":")" + server.url("/tool") + R"(","expected_digest":")" +
                     to_string(file_digest_of("seen")) + "\"}"});
  EXPECT_EQ(snapshot["files"], nlohmann::json::array({"tool"})) << snapshot;
}

TEST_F(Downloads, TheDaemonTrustsTheBundleOfItsEnvironment) {
  HttpServer server([](HttpExchange& e) { e.answer(200, "truth"); }, HttpServer::Kind::kHttps);
  const Outcome untrusted = download(server.url("/f"), "truth");
  EXPECT_EQ(untrusted.exit_code, 125);
  EXPECT_THAT(untrusted.err, AllOf(HasSubstr("not trusted"), HasSubstr("SSL_CERT_FILE")));
  EXPECT_THAT(server.requests(), IsEmpty());
  stop_daemon();
  write("ca.pem", server.certificate());
  environment()["SSL_CERT_FILE"] = (workspace() / "ca.pem").string();
  const Outcome trusted = download(server.url("/f"), "truth");
  EXPECT_EQ(trusted.exit_code, 0) << trusted.err;
}

TEST_F(Downloads, CtrlCEndsTheTransfer) {
  HttpServer server([](HttpExchange& e) { e.wait_for_end(); });
  const FileDigest digest = file_digest_of("never");
  Command command = start({"digest", "download", server.url("/f"), to_hex(digest.hash), "5"});
  ASSERT_TRUE(eventually([&] { return server.requests().size() == 1; }));
  command.signal(SIGINT);
  EXPECT_EQ(command.wait().exit_code, 130);
  EXPECT_TRUE(eventually([&] { return server.connections() == 0; }));
}

}  // namespace
}  // namespace kiln::test
