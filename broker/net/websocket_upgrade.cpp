#include "broker/net/websocket_upgrade.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>

namespace dunlin::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using request = http::request<http::empty_body>;

std::string_view view(beast::string_view s) { return {s.data(), s.size()}; }

upgrade_answer refuse(websocket_refusal why, std::string_view status, std::string_view text,
                      std::string_view more_headers = {}) {
  std::string r = "HTTP/1.1 " + std::string(status) +
                  "\r\nServer: dunlin\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Connection: close\r\nContent-Length: " +
                  std::to_string(text.size() + 1) + "\r\n";
  r.append(more_headers).append("\r\n").append(text).append("\n");
  return {why, std::move(r)};
}

bool has_token(beast::string_view list, beast::string_view token) {
  return http::token_list{list}.exists(token);
}

// RFC 6455 4.2.2: base64 of the SHA-1 of the key and this text.
std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
  unsigned char encoded[4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1];
  const int n = EVP_EncodeBlock(encoded, digest, SHA_DIGEST_LENGTH);
  return {reinterpret_cast<const char*>(encoded), static_cast<size_t>(n)};
}

bool good_key(std::string_view key) {  // 16 bytes in base64
  if (key.size() != 24 || key.substr(22) != "==") return false;
  return key.substr(0, 22).find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") ==
         std::string_view::npos;
}

// The subprotocol to answer with; of several the client's first.
std::string_view chosen_subprotocol(const request& r) {
  const auto offered = r.equal_range(http::field::sec_websocket_protocol);
  for (auto it = offered.first; it != offered.second; ++it)
    for (const auto& token : http::token_list{it->value()}) {
      if (beast::iequals(token, "mqtt")) return "mqtt";
      if (beast::iequals(token, "mqttv3.1")) return "mqttv3.1";
    }
  return {};
}

upgrade_answer answer(const request& r, std::string_view path) {
  const std::string url = "this is an MQTT listener over WebSocket; use ws://HOST:PORT" +
                          std::string(path) + " (wss:// with TLS) and an MQTT client";
  if (!has_token(r[http::field::upgrade], "websocket"))
    return refuse(websocket_refusal::not_websocket, "426 Upgrade Required", url,
                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  if (r.method() != http::verb::get || r.version() != 11 ||
      !has_token(r[http::field::connection], "upgrade"))
    return refuse(websocket_refusal::malformed, "400 Bad Request",
                  "a WebSocket begins with GET, HTTP/1.1 and Connection: Upgrade");
  const std::string_view target = view(r.target());
  if (target.substr(0, target.find('?')) != path)
    return refuse(websocket_refusal::path, "404 Not Found", "no such path; " + url);
  if (view(r[http::field::sec_websocket_version]) != "13")
    return refuse(websocket_refusal::version, "426 Upgrade Required",
                  "only WebSocket version 13 is spoken here",
                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  const std::string_view key = view(r[http::field::sec_websocket_key]);
  if (!good_key(key))
    return refuse(websocket_refusal::malformed, "400 Bad Request",
                  "Sec-WebSocket-Key is not 16 bytes in base64");
  const std::string_view subprotocol = chosen_subprotocol(r);
  if (subprotocol.empty())
    return refuse(websocket_refusal::subprotocol, "400 Bad Request",
                  "the client must offer Sec-WebSocket-Protocol: mqtt");
  std::string response =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  response.append(accept_of(key)).append("\r\nSec-WebSocket-Protocol: ").append(subprotocol);
  response.append("\r\n\r\n");
  return {websocket_refusal::none, std::move(response)};
}

}  // namespace

upgrade_answer answer_upgrade(std::string_view head, std::string_view path) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(websocket_head_bytes_max);
  parser.skip(true);  // a body would be refused as the beginning of frames
  beast::error_code ec;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (ec || !parser.is_header_done())
    return refuse(websocket_refusal::malformed, "400 Bad Request",
                  "this is not HTTP: " + (ec ? ec.message() : std::string("the head is broken")));
  return answer(parser.get(), path);
}

upgrade_answer refuse_too_large() {
  return refuse(websocket_refusal::too_large, "431 Request Header Fields Too Large",
                "the request head is over " + std::to_string(websocket_head_bytes_max) + " bytes");
}

}  // namespace dunlin::net
