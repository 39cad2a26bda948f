// Seeds of config_fuzz.
#pragma once

#include <string_view>

namespace dunlin::fuzz {

using namespace std::literals;

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
};

// Sections whose values are looked at one by one: good ones and bad ones.
inline constexpr std::string_view sections[] = {
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

}  // namespace dunlin::fuzz
