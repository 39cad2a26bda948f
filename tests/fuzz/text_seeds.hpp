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
};

}  // namespace dunlin::fuzz
