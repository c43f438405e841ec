// HttpServer: a server on 127.0.0.1 that does to its clients what a test wants done to them. One
// request for each connection; https: with a certificate that nobody trusts unasked.
// Threads: thread-safe. Handlers run on a thread for each connection.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/sync.h"
#include "common/base/unique_fd.h"

namespace kiln::test {

// A request, and the connection that it came by.
class HttpExchange {
 public:
  class Stream {
   public:
    virtual ~Stream() = default;
    // 0 at the end, also of the server.
    virtual size_t read(char* data, size_t size) = 0;
    // False if the client is gone.
    virtual bool write(std::string_view bytes) = 0;
  };

  explicit HttpExchange(Stream& stream);

  // "GET"; empty if the client said nothing.
  const std::string& method() const { return method_; }
  const std::string& target() const { return target_; }
  // By its name in lower case; empty if there is none.
  std::string header(const std::string& name) const;

  // A whole answer.
  void answer(int status, std::string_view body, const std::string& headers = "");
  // Bytes as they are.
  bool send(std::string_view bytes) { return stream_.write(bytes); }
  // Until the client leaves.
  void wait_for_end();

 private:
  Stream& stream_;
  std::string method_;
  std::string target_;
  std::map<std::string, std::string> headers_;
};

class HttpServer {
 public:
  enum class Kind { kHttp, kHttps };
  using Handler = std::function<void(HttpExchange&)>;

  explicit HttpServer(Handler handler, Kind kind = Kind::kHttp);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // "http://127.0.0.1:4711" and `target`.
  std::string url(std::string_view target) const;
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // The targets of all requests so far.
  std::vector<std::string> requests() const;
  // Connections that are open.
  size_t connections() const;
  // The certificate as PEM; of https:.
  const std::string& certificate() const { return certificate_; }
  // Ends all connections and takes no more.
  void stop();

 private:
  struct Tls;
  void accept_all();
  void serve(int fd);

  const Handler handler_;
  const std::unique_ptr<Tls> tls_;  // null: http:
  std::string certificate_;
  UniqueFd listener_;
  int port_ = 0;
  Synchronized<std::vector<std::string>> requests_;
  struct Live {
    std::vector<int> connections;
    bool stopped = false;
  };
  Synchronized<Live> live_;
  std::thread acceptor_;
};

}  // namespace kiln::test
