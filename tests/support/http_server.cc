#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "common/base/check.h"

namespace kiln::test {

namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* thing) const {
    Free(thing);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<&X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<&SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Freed<&SSL_free>>;

// Of 127.0.0.1, by itself.
Certificate self_signed(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  X509* const x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, key);
  X509_NAME* const name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("127.0.0.1"), -1, -1, 0);
  X509_set_issuer_name(x509, name);
  for (const auto& [id, value] : {std::pair(NID_basic_constraints, "critical,CA:TRUE"),
                                  std::pair(NID_subject_alt_name, "IP:127.0.0.1")}) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
  }
  KILN_CHECK(X509_sign(x509, key, EVP_sha256()) != 0, "cannot sign a certificate");
  return certificate;
}

std::string pem_of(X509* certificate) {
  const std::unique_ptr<BIO, Freed<&BIO_free_all>> memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<size_t>(size)};
}

class PlainStream final : public HttpExchange::Stream {
 public:
  explicit PlainStream(int fd) : fd_(fd) {}
  size_t read(char* data, size_t size) override {
    const ssize_t n = ::recv(fd_, data, size, 0);
    return n > 0 ? static_cast<size_t>(n) : 0;
  }
  bool write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

 private:
  const int fd_;
};

class TlsStream final : public HttpExchange::Stream {
 public:
  TlsStream(SSL_CTX* context, int fd) : ssl_(SSL_new(context)) {
    SSL_set_fd(ssl_.get(), fd);
    accepted_ = SSL_accept(ssl_.get()) == 1;
  }
  ~TlsStream() override {
    if (accepted_) SSL_shutdown(ssl_.get());
  }
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  size_t read(char* data, size_t size) override {
    const int n = accepted_ ? SSL_read(ssl_.get(), data, static_cast<int>(size)) : 0;
    return n > 0 ? static_cast<size_t>(n) : 0;
  }
  bool write(std::string_view bytes) override {
    return accepted_ && SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }

 private:
  const Connection ssl_;
  bool accepted_ = false;
};

}  // namespace

HttpExchange::HttpExchange(Stream& stream) : stream_(stream) {
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) {
    char buffer[4096];
    const size_t n = stream_.read(buffer, sizeof buffer);
    if (n == 0) return;
    head.append(buffer, n);
  }
  const size_t first = head.find(' ');
  const size_t second = head.find(' ', first + 1);
  method_ = head.substr(0, first);
  target_ = head.substr(first + 1, second - first - 1);
  for (size_t line = head.find("\r\n") + 2; head.compare(line, 2, "\r\n") != 0;) {
    const size_t colon = head.find(": ", line);
    const size_t end = head.find("\r\n", line);
    std::string name = head.substr(line, colon - line);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    headers_[name] = head.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
}

std::string HttpExchange::header(const std::string& name) const {
  const auto found = headers_.find(name);
  return found == headers_.end() ? "" : found->second;
}

void HttpExchange::answer(int status, std::string_view body, const std::string& headers) {
  send("HTTP/1.1 " + std::to_string(status) + " so\r\nContent-Length: " +
       std::to_string(body.size()) + "\r\nConnection: close\r\n" + headers + "\r\n");
  send(body);
}

void HttpExchange::wait_for_end() {
  char ignored[256];
  while (stream_.read(ignored, sizeof ignored) != 0) {
  }
}

struct HttpServer::Tls {
  Tls()
      : key(EVP_EC_gen("P-256")),
        certificate(self_signed(key.get())),
        context(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate(context.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
    ::signal(SIGPIPE, SIG_IGN);  // SSL_write() knows no other way
  }
  const Key key;
  const Certificate certificate;
  const Context context;
};

HttpServer::HttpServer(Handler handler, Kind kind)
    : handler_(std::move(handler)),
      tls_(kind == Kind::kHttps ? std::make_unique<Tls>() : nullptr),
      certificate_(tls_ ? pem_of(tls_->certificate.get()) : ""),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  KILN_CHECK(::bind(listener_.get(), generic, size) == 0 && ::listen(listener_.get(), 64) == 0 &&
                 ::getsockname(listener_.get(), generic, &size) == 0,
             "a test server cannot listen");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() { stop(); }

void HttpServer::stop() {
  live_.with([&](Live& live) {
    live.stopped = true;
    for (const int fd : live.connections) ::shutdown(fd, SHUT_RDWR);
  });
  ::shutdown(listener_.get(), SHUT_RDWR);
  if (acceptor_.joinable()) acceptor_.join();
  listener_.reset();
}

std::string HttpServer::url(std::string_view target) const {
  return (tls_ ? "https://" : "http://") + address() + std::string(target);
}

std::vector<std::string> HttpServer::requests() const {
  return requests_.with([](const auto& requests) { return requests; });
}

size_t HttpServer::connections() const {
  return live_.with([](const Live& live) { return live.connections.size(); });
}

void HttpServer::accept_all() {
  std::vector<std::thread> threads;
  for (;;) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) break;
    const bool taken = live_.with([&](Live& live) {
      if (!live.stopped) live.connections.push_back(fd);
      return !live.stopped;
    });
    if (!taken) {
      ::close(fd);
      break;
    }
    threads.emplace_back([this, fd] { serve(fd); });
  }
  for (std::thread& thread : threads) thread.join();
}

void HttpServer::serve(int fd) {
  {
    const std::unique_ptr<HttpExchange::Stream> stream =
        tls_ ? std::unique_ptr<HttpExchange::Stream>(
                   std::make_unique<TlsStream>(tls_->context.get(), fd))
             : std::make_unique<PlainStream>(fd);
    HttpExchange exchange(*stream);
    if (!exchange.method().empty()) {
      requests_.with([&](auto& requests) { requests.push_back(exchange.target()); });
      handler_(exchange);
    }
  }
  live_.with([fd](Live& live) { std::erase(live.connections, fd); });
  ::close(fd);
}

}  // namespace kiln::test
