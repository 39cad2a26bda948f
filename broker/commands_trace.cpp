// dunlin trace, slow and clients.
#include <signal.h>

#include <ctime>
#include <iostream>
#include <thread>

#include "broker/command_ask.hpp"

namespace dunlin {

using namespace commands;

namespace {

std::string time_of(double at_ms) {
  const auto ms = static_cast<int64_t>(at_ms);
  const time_t seconds = ms / 1000;
  tm t{};
  ::gmtime_r(&seconds, &t);
  char text[32];
  const size_t n = std::strftime(text, sizeof text, "%H:%M:%S", &t);
  std::snprintf(text + n, sizeof text - n, ".%03d", static_cast<int>(ms % 1000));
  return text;
}

// 12:00:00.123 <- PUBLISH sensors/1 qos=1 id=7 bytes=29  payload of 9 bytes
std::string line_of(const api::TraceEvent& e) {
  const auto number = [](double n) { return std::to_string(static_cast<int64_t>(n)); };
  std::string out = time_of(e.at_ms());
  if (e.packet().empty())
    out += " -- " + e.what();
  else
    out += (e.what() == "in" ? " <- " : " -> ") + e.packet();
  if (!e.topic().empty()) out += ' ' + printable(e.topic());
  if (e.has_qos()) out += " qos=" + std::to_string(e.qos());
  if (e.retain()) out += " retain";
  if (e.dup()) out += " dup";
  if (e.packet_id()) out += " id=" + std::to_string(e.packet_id());
  if (e.bytes() > 0) out += " bytes=" + number(e.bytes());
  if (!e.reason().empty()) out += ' ' + e.reason();
  if (!e.detail().empty()) out += "  " + printable(e.detail());
  if (e.has_payload()) out += "  \"" + printable(e.payload()) + '"';
  if (e.has_payload_base64()) {
    out += "  0x";
    char hex[3];
    for (const char c : e.payload_base64()) {
      std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned char>(c));
      out += hex;
    }
  }
  return out;
}

// SIGINT and SIGTERM end the trace at the node: the answer that is waited for comes, and says so.
void end_on_signal(const node_command& c, uint32_t id) {
  sigset_t s;
  ::sigemptyset(&s);
  ::sigaddset(&s, SIGINT);
  ::sigaddset(&s, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &s, nullptr);
  std::thread([c, id, s] {
    int got = 0;
    ::sigwait(&s, &got);
    ask(c, "DELETE", "/api/v1/traces/" + std::to_string(id));
  }).detach();
}

int follow(const node_command& c, uint32_t id) {
  int64_t after = 0;
  for (;;) {
    const auto reply = ask(c, "GET",
                           "/api/v1/traces/" + std::to_string(id) +
                               "/events?max=500&wait=10s&after=" + std::to_string(after));
    if (!reply) return failed;
    if (reply->status == 404) return ok;  // ended by a signal, or by another operator
    api::TraceEvents page;
    if (reply->status != 200 || api::from_json(reply->body, page)) return refused(*reply);
    if (page.lost() > 0)
      std::cout << "(" << static_cast<int64_t>(page.lost()) << " events were lost)\n";
    if (c.json && page.events_size() > 0) std::cout << reply->body;
    if (!c.json)
      for (const auto& e : page.events()) std::cout << line_of(e) << '\n';
    std::cout.flush();
    after = static_cast<int64_t>(page.next());
    if (page.over()) return ok;
  }
}

void print(const api::SlowSubscriber& s) {
  const auto n = [](double v) { return std::to_string(static_cast<int64_t>(v)); };
  std::cout << printable(s.client()) << "  " << s.address() << "  unsent " << n(s.unsent_bytes())
            << " B, queued " << n(s.queued_messages()) << " (" << n(s.queued_bytes())
            << " B), in flight " << n(s.in_flight()) << ", latency " << n(s.latency_ms())
            << " ms, behind for " << n(s.behind_ms()) << " ms, held publishers " << n(s.held())
            << " times, dropped " << n(s.dropped()) << (s.slow() ? ", slow" : "") << '\n';
}

}  // namespace

int trace_client(const node_command& c, const trace_command& t) {
  api::TraceRequest what;
  what.set_client(t.client);
  what.set_seconds_max(t.seconds);
  what.set_payload_bytes(t.payload_bytes);
  const auto reply = ask(c, "POST", "/api/v1/traces", api::to_json(what));
  if (!reply) return failed;
  api::Trace started;
  if (reply->status != 201 || api::from_json(reply->body, started)) return refused(*reply);
  end_on_signal(c, started.id());
  std::cerr << "trace " << started.id() << " of " << printable(t.client) << " for "
            << static_cast<int64_t>(started.seconds_left() + 0.5) << " s; Ctrl-C ends it\n";
  const int code = follow(c, started.id());
  ask(c, "DELETE", "/api/v1/traces/" + std::to_string(started.id()));  // where it is still there
  return code;
}

int show_slow(const node_command& c, const std::string& by, uint32_t most) {
  const auto reply = ask(
      c, "GET",
      "/api/v1/slow-subscribers?by=" + api::percent_encode(by) + "&max=" + std::to_string(most));
  if (!reply) return failed;
  api::SlowSubscribers all;
  if (reply->status != 200 || api::from_json(reply->body, all)) return refused(*reply);
  if (c.json) {
    std::cout << reply->body;
    return ok;
  }
  if (all.subscribers().empty()) std::cout << "no subscriber is behind\n";
  for (const auto& s : all.subscribers()) print(s);
  return ok;
}

int show_client(const node_command& c, const std::string& id) {
  const auto reply = ask(c, "GET", "/api/v1/clients/" + api::percent_encode(id));
  if (!reply) return failed;
  if (reply->status != 200) return refused(*reply);
  std::cout << reply->body;
  return ok;
}

int disconnect_client(const node_command& c, const std::string& id) {
  const auto reply = ask(c, "DELETE", "/api/v1/clients/" + api::percent_encode(id));
  if (!reply) return failed;
  api::Done done;
  if (reply->status != 200 || api::from_json(reply->body, done)) return refused(*reply);
  std::cout << (done.count() ? "disconnected\n" : "it is not connected\n");
  return ok;
}

}  // namespace dunlin
