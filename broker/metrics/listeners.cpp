#include "broker/metrics/listeners.hpp"

#include "broker/metrics/text.hpp"

namespace dunlin::metrics {
namespace {

constexpr auto counter = metric_type::counter, gauge = metric_type::gauge;

void write_reasons(text_writer& w, const std::vector<listener_numbers>& all, const char* name,
                   const char* help, listener_numbers::by_reason listener_numbers::*of) {
  w.family(name, counter, help);
  for (const auto& l : all)
    for (const auto& [reason, n] : l.*of)
      if (n > 0) w.sample({{"listener", l.name}, {"reason", reason}}, static_cast<int64_t>(n));
}

}  // namespace

std::string render_listeners(const std::vector<listener_numbers>& all) {
  text_writer w;
  const auto each = [&](const char* name, metric_type t, const char* help, auto of) {
    w.family(name, t, help);
    for (const auto& l : all)
      w.sample({{"listener", l.name}, {"transport", l.transport}}, static_cast<int64_t>(l.*of));
  };
  each("dunlin_listener_connections", gauge, "Connections of a listener open now.",
       &listener_numbers::open);
  each("dunlin_listener_connections_total", counter, "Connections that a listener accepted.",
       &listener_numbers::accepted);
  each("dunlin_proxy_headers_refused_total", counter,
       "Connections closed for want of a valid PROXY header.", &listener_numbers::proxy_refused);
  write_reasons(w, all, "dunlin_tls_handshakes_failed_total",
                "TLS handshakes that failed: closed, not_tls, version, cipher, certificate (the "
                "client's), refused (ours, by the client), other.",
                &listener_numbers::tls_failed);
  write_reasons(w, all, "dunlin_websocket_refused_total", "WebSocket upgrades that were refused.",
                &listener_numbers::websocket_refused);
  w.family("dunlin_tls_certificate_expires_seconds", gauge,
           "When a listener's certificate expires, since the epoch.");
  for (const auto& l : all)
    if (l.certificate_expires_s != 0) w.sample({{"listener", l.name}}, l.certificate_expires_s);
  return w.take();
}

}  // namespace dunlin::metrics
