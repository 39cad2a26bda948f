#include "tests/load/http_client.hpp"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <charconv>

namespace dunlin::load {
namespace {

constexpr int answer_max_s = 30;

http_reply failure(const std::string& what) { return {0, {}, what + ": " + strerror(errno)}; }

std::string header(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    const size_t value = line.find_first_not_of(" \t", name.size() + 1);
    return value == std::string_view::npos ? "" : std::string(line.substr(value));
  }
  return {};
}

}  // namespace

http_reply parse_reply(std::string_view text) {
  const size_t head_end = text.find("\r\n\r\n");
  int status = 0;
  if (text.size() > 12) std::from_chars(text.data() + 9, text.data() + 12, status);
  if (text.substr(0, 7) != "HTTP/1." || head_end == std::string_view::npos || status < 100) {
    return {0, {}, "not an HTTP answer"};
  }
  const std::string_view head = text.substr(0, head_end), body = text.substr(head_end + 4);
  const std::string length = header(head, "Content-Length");
  if (!length.empty() && length != std::to_string(body.size()))
    return {0, {}, "the answer was cut short"};
  return {status, std::string(body), {}};
}

http_reply http_client::call(const std::string& method, const std::string& path,
                             const std::string& json) const {
  const int fd = socket(to_.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failure("socket");
  struct closer {
    int fd;
    ~closer() { ::close(fd); }
  } const close_at_end{fd};
  const timeval limit{answer_max_s, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to_.address), to_.length) != 0) {
    return failure("cannot connect to " + to_.text);
  }
  std::string request =
      method + " " + path + " HTTP/1.1\r\nHost: " + to_.text + "\r\nConnection: close\r\n";
  if (method == "POST") {
    request +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(json.size()) + "\r\n";
  }
  request += "\r\n" + json;
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t n = send(fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return failure("send to " + to_.text);
    sent += size_t(n);
  }
  std::string answer;
  char buffer[65'536];
  for (;;) {
    const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n < 0) return failure("no answer from " + to_.text);
    if (n == 0) return parse_reply(answer);
    answer.append(buffer, size_t(n));
  }
}

}  // namespace dunlin::load
