// Seeds of the targets that read text.
#pragma once

#include <span>
#include <string_view>

namespace dunlin::fuzz {

using namespace std::literals;

// Filter, newline, topic.
inline constexpr std::string_view topics[] = {
    "a/b\na/b",
    "a/+\na/b",
    "+/+\na/b",
    "#\na/b/c",
    "a/#\na",
    "+\na",
    "/+\n/a",
    "+/\na/",
    "$share/g/a/#\na",
    "$share/g/+\na",
    "$SYS/#\n$SYS/x",
    "#\n$SYS/x",
    "+/x\n$SYS/x",
    "a//b\na//b",
    "a/+/b\na//b",
    "a/#/b\na/x/b",
    "a+\na+",
    "a#\na#",
    "$share//a\na",
    "$share/g/$share/h/a\na",
    "home/p2p/+\nhome/p2p/c1",
    "\xC3\xA9/+\n\xC3\xA9/x",
    "+/+/+/+/+/+/+/+\na/b/c/d/e/f/g/h",
    "/\n/",
    "$share/g\n$share/g",
    "\xE2\x82\xAC\xF0\x9F\x98\x80\n\xC3\xA9\xED\x9F\xBF\xEF\xBF\xBF\xF4\x8F\xBF\xBF",
    "\xC0\x80\n\xE0\x9F\xBF",
    "\xED\xA0\x80\n\xF4\x90\x80\x80",
    "\xF0\x8F\xBF\xBF\n\xF5\x80\x80\x80",
    "12345678\xC3\n\xE2\x82",
};

// What follows the NUL byte are --set values.
inline constexpr std::string_view configurations[] = {
    "",
    "node: {name: n1, data_dir: ./data, reactors: 0}\n",
    "listeners:\n  - {name: tcp, transport: tcp, address: \"127.0.0.1:1883\"}\n",
    "listeners:\n  - name: a\n    address: \"[::1]:1883\"\n  - name: b\n    address: 0.0.0.0:0\n",
    "http: {enabled: false, address: \"127.0.0.1:8080\", body_bytes_max: 1MiB}\n",
    "access: {anonymous: true}\n",
    "limits: {preset: product}\n",
    "limits:\n  packet_bytes_max: 256KiB\n  qos_max: 1\n  slow_grace_ms: 200\n  queue_qos0: true\n",
    "rules:\n  - {id: report, type: outbound, topic: sensors, queue: up, format: envelope}\n"
    "  - {id: command, type: inbound, queue: down, topic: sensors}\n"
    "  - {id: presence, type: status, group: GID_demo, queue: presence}\n",
    "rocketmq: {endpoint: \"127.0.0.1:8081\", access_key: \"k\", secret_key: \"s\"}\n",
    "store: {sync: interval, interval_ms: 100}\nlog: {level: debug, format: json}\n",
    "# only a comment\n",
    "a: &x {b: 1}\nc: *x\n",
    "? [complex, key]\n: value\n",
    "listeners: [{name: tcp, name: tcp}]\n",
    "node:\n\t- tab\n",
    "log: {level: !!str debug}\n---\nlog: {level: info}\n",
    "node: {name: \"\\u00e9\\x00\"}\n",
    "limits: {packet_bytes_max: 99999999999999999999TiB}\n",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
    "http: {enabled: true}\n\0http.address=127.0.0.1:8081\nlog.level=warn"sv,
    "\0listeners.0.address=127.0.0.1:1884\nlisteners.1.name=x"sv,
    "\0rules.0.id=\nrules.=1\n.=\n=\nnode"sv,
    "listeners:\n  - {name: t, address: \"127.0.0.1:1\", proxy_protocol: on}\n"
    "  - {name: w, transport: websocket, address: \"127.0.0.1:2\", path: /mqtt}\n"
    "  - {name: u, transport: unix, address: ./u.sock, mode: \"0660\", connections_max: 9}\n",
    "listeners:\n  - {name: t, address: \"127.0.0.1:1\", path: /x, mode: \"0660\", tls: {key: k}}\n"
    "  - {name: t, transport: unix, address: u, mode: \"9\"}\n"
    "  - {name: \"\", transport: unix, address: ./u}\n  - {name: v, transport: unix, address: "
    "./u}\n"
    "  - {name: w, transport: websocket, address: \"0.0.0.0:1\", path: \"no path\"}\n"
    "  - {name: y, address: localhost}\n  - {name: z, address: \"\"}\n",
    "listeners:\n  - name: s\n    transport: tls\n    address: \"[::]:8883\"\n    tls:\n"
    "      {certificate: none.pem, key: none.key, passphrase: p, version_min: tls1_3, ciphers: A,\n"
    "      cipher_suites: TLS_AES_128_GCM_SHA256, client_certificate: required, ca: none.pem,\n"
    "      crl: none.pem, user_name_from: cn, sni: [{host: \"*.x.org\", certificate: c, key: "
    "k}]}\n",
    "listeners:\n  - {name: s, transport: websocket_tls, address: \"[::]:1\", tls: {crl: c,\n"
    "    user_name_from: san_uri, sni: [{certificate: c}]}}\n",
    "listeners: [{name: a, address: \"127.0.0.1:1\", connects_per_s: 1, messages_per_s: 2,\n"
    "  bytes_per_s: 3, client_messages_per_s: 4, client_bytes_per_s: 5, burst_ms: 2s}]\n",
    "access: {anonymous: false, users: [{name: ann, password: x}, {name: bob, scram: "
    "\"SCRAM-SHA-256$4096:c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}]}\n",
    "access: {users: [{name: a, password: x, scram: y}, {name: a}, {name: \"\", scram: z}]}\n",
    "mqtt: {response_topic_prefix: \"reply/%c/\", server_reference: \"o:1\", server_moved: true,\n"
    "  validate_payload_format: true}\n",
    "mqtt: {response_topic_prefix: \"a/+\", server_moved: true}\n",
    "topics:\n  shared_strategy: hash_topic\n  shared_groups: [{group: w, strategy: sticky}]\n"
    "  rewrite: [{action: publish, filter: \"x/#\", regex: \"^x/(.+)$\", to: \"y/$1/%c\"}]\n"
    "  auto_subscribe: [{filter: \"c/%u/d\", qos: 1, no_local: true, retain_handling: new}]\n"
    "  metrics: [\"s/#\"]\n",
    "topics:\n  shared_groups: [{group: a/b}, {group: w}, {group: w}]\n"
    "  rewrite: [{filter: \"x#\", regex: \"(\", to: \"$9\"}, {filter: x, regex: x, to: \"y/+\"}]\n"
    "  auto_subscribe: [{filter: \"a#\"}, {filter: \"$share/g/a\", no_local: true}]\n"
    "  metrics: [\"a#\", \"$share/g/a\", a, a]\n",
    "guard:\n  bans: [{client_id: a, reason: r}, {user_name: b, until: \"2027-01-31T12:00:00Z\"},\n"
    "    {address: \"10.0.0.0/8\", until: \"2027-01-31\"}, {address: \"2001:db8::/32\"}]\n"
    "  flapping_connects_max: 5\n  flapping_window_s: 1m\n",
    "guard: {bans_max: 1, bans: [{}, {client_id: a, user_name: b}, {address: \"1.2.3.4/33\"},\n"
    "  {client_id: a, until: \"2027-02-30\"}, {client_id: a, until: soon}]}\n",
    "overload: {enabled: true, memory_high_percent: 50, memory_critical_percent: 60}\n",
    "overload: {memory_high_percent: 90, memory_critical_percent: 80, reactor_lag_ms: 1s}\n",
    "overload: {memory_high_bytes: 2GiB, memory_critical_bytes: 1GiB}\n",
    "overload: {memory_critical_bytes: 1GiB}\n",
    "trace: {traces_max: 1, seconds_max: 10, events_max: 5, payload_bytes_max: 0}\n",
    "embedded_queue: {messages_max: 10, bytes_max: 4KiB, retention_s: 3d, unacked_max: 1}\n",
    "\0topics.rewrite.0.filter=x\nguard.bans.0.client_id=a\naccess.users.0.name=u\n"
    "topics.metrics.0=a/#\nlisteners.0.tls.sni.0.host=h\nlimits.packet_bytes_max=1KiB"sv,
};

// Versions 1 and 2.
inline constexpr std::string_view proxy_headers[] = {
    "PROXY TCP4 192.0.2.1 192.0.2.2 4711 1883\r\n\x10",
    "PROXY TCP6 2001:db8::1 2001:db8::2 4711 1883\r\n",
    "PROXY UNKNOWN\r\n",
    "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nx",
    "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 4711 1883\n",
    "PROXY TCP4 192.0.2.256 192.0.2.2 4711 1883\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 70000 1883\r\n",
    "PROXY TCP5 192.0.2.1",
    "PROXY  TCP4 192.0.2.1 192.0.2.2 4711 1883\r\n",
    "PRO",
    "\x10\x0C\x00\x04MQTT",
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\x02\x01\xC0\0\x02\x02\x12\x67\x07\x5Brest"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\x07\x5B"sv,
    "\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x00\0\x03\x04\0\0"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13\xC0\0\x02\x01\xC0\0\x02\x02\x12\x67\x07\x5B\x02\0\x04host"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x31\0\x00"sv,
    "\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0C"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\xFF\xFF"sv,
};

// As websocket_fuzz reads them: how, pieces, then frames (first byte, length, payload) or bytes.
inline constexpr std::string_view websockets[] = {
    "\x03\x00\x82\x04\x10\x02\x00\x00"sv,
    "\x03\x07\x82\x02\xC0\x00\x82\x02\xE0\x00"sv,
    "\x03\x01\x02\x01\xC0\x80\x01\x00"sv,
    "\x03\x00\x02\x01\xC0\x89\x02hi\x80\x01\x00"sv,
    "\x03\x00\x81\x02hi"sv,
    "\x03\x00\x88\x02\x03\xE8"sv,
    "\x03\x00\x88\x00\x82\x02\xC0\x00"sv,
    "\x03\x00\x88\x06\x03\xE8"
    "bye!"sv,
    "\x03\x00\x8A\x00\x89\x00"sv,
    "\x03\x00\xC2\x01x"sv,
    "\x03\x00\x80\x01x"sv,
    "\x03\x00\x02\x01x\x02\x01x"sv,
    "\x03\x00\x09\x01x"sv,
    "\x03\x00\x83\x01x"sv,
    "\x01\x00\x82\xFF\x00\x00\x00\x00\x00\x01\x00\x00\x01\x02\x03\x04"sv,
    "\x01\x00\x82\xFE\x00\x80\x01\x02\x03\x04"sv,
    "\x01\x00\x82\x02\xC0\x00"sv,
    "\x00\x10GET /mqtt HTTP/1.1\r\nHost: h\r\n\r\n"sv,
    "\x00\x10GET /other HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, "
    "Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"sv,
    "\x00\x00POST /mqtt HTTP/1.0\r\n\r\n"sv,
    "\x00\x40GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: chat, mqttv3.1\r\n\r\n\x82\x81"sv,
    "\x00\x40GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: chat\r\n\r\n"sv,
    "\x00\x40GET /mqtt?a=b HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=.\r\nSec-WebSocket-Version: 13\r\n\r\n"sv,
    "\x00\x40GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n"sv,
    "\x07\x20\x82\x02\xC0\x00"sv,
    "\x07\xA0\x82\x02\xC0\x00"sv,
};

}  // namespace dunlin::fuzz
