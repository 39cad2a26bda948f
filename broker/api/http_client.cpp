#include "broker/api/http_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace dunlin::api {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr uint64_t answer_bytes_max = 64 << 20;

// Each step begins the next; run() of the context ends with the last, or with the first that fails.
struct exchange {
  exchange(const http_address& to, const std::string& method, const std::string& path,
           const std::string& body) {
    const bool ipv6 = to.host.find(':') != std::string::npos;
    request.method_string(method);
    request.target(path);
    request.set(http::field::host, (ipv6 ? '[' + to.host + ']' : to.host) + ':' + to.port);
    request.set(http::field::connection, "close");
    if (!body.empty()) request.set(http::field::content_type, "application/json");
    request.body() = body;
    request.prepare_payload();
    parser.body_limit(answer_bytes_max);
  }

  void begin(const http_address& to, std::chrono::milliseconds at_most) {
    const auto found = asio::ip::tcp::resolver(io).resolve(to.host, to.port, failed);
    if (failed) return;
    stream.expires_after(at_most);
    stream.async_connect(found, [this](beast::error_code e, const asio::ip::tcp::endpoint&) {
      if ((failed = e)) return;
      http::async_write(stream, request, [this](beast::error_code e, size_t) {
        if ((failed = e)) return;
        http::async_read(stream, buffer, parser,
                         [this](beast::error_code e, size_t) { failed = e; });
      });
    });
    io.run();
  }

  asio::io_context io{1};
  beast::tcp_stream stream{io};
  beast::flat_buffer buffer;
  http::request<http::string_body> request;
  http::response_parser<http::string_body> parser;
  beast::error_code failed;
};

}  // namespace

absl::StatusOr<http_address> parse_url(const std::string& url) {
  std::string rest = url.rfind("http://", 0) == 0 ? url.substr(7) : url;
  while (!rest.empty() && rest.back() == '/') rest.pop_back();
  const size_t colon = rest.rfind(':');
  const auto wrong = [&] {
    return absl::InvalidArgumentError(url + ": not an address. Hint: http://HOST:PORT");
  };
  if (colon == std::string::npos || colon == 0 || colon + 1 == rest.size() ||
      rest.find_first_not_of("0123456789", colon + 1) != std::string::npos)
    return wrong();
  http_address a{rest.substr(0, colon), rest.substr(colon + 1)};
  if (a.host.front() == '[') {
    if (a.host.back() != ']') return wrong();
    a.host = a.host.substr(1, a.host.size() - 2);
  }
  if (a.host.find('/') != std::string::npos) return wrong();
  return a;
}

absl::StatusOr<http_reply> call(const http_address& to, const std::string& method,
                                const std::string& path, const std::string& body,
                                std::chrono::milliseconds at_most) {
  exchange x(to, method, path, body);
  x.begin(to, at_most);
  if (x.failed)
    return absl::UnavailableError("no answer from http://" + to.host + ':' + to.port + ": " +
                                  x.failed.message() +
                                  ". Hint: is the node running, and is this its http.address?");
  return http_reply{static_cast<int>(x.parser.get().result_int()), x.parser.get().body()};
}

std::string percent_encode(const std::string& part) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : part) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) || c == '-' || c == '_' || c == '.' || c == '~')
      out += c;
    else
      out.append({'%', hex[u >> 4], hex[u & 15]});
  }
  return out;
}

}  // namespace dunlin::api
