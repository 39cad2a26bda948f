#include "tests/load/options.hpp"

#include <CLI/CLI.hpp>
#include <map>

#include "tests/load/message.hpp"

namespace dunlin::load {
namespace {

constexpr const char* examples = R"(Scenarios:
  connect    --clients N [--hold S]          connection rate, then memory of each idle connection
  subscribe  --clients N --per-client S      subscription rate, memory of each, then a message each
  fan-in     --publishers N --subscribers M  each one's own topic to every subscriber
  fan-out    --subscribers N                 one topic to N subscribers
  pairs      --pairs N [--p2p PARENT]        2N clients, each sends to its partner
  shared     --publishers N --subscribers M  each message to one member of $share/GROUP
  retained   --messages N --subscribers M    N retained messages, then M that get all
  rules      --topic T [--verify-embedded U] into a rule, read back from its queue

Examples:
  dunlin-load fan-in --qos 1 --window 32 --pid $(pidof dunlin)
  dunlin-load fan-in --qos 1 --rate 10000 --goal-p99 5   # latency counts from when it was due
  dunlin-load pairs --pairs 500 --p2p chat --qos 1 --window 4
  dunlin-load fan-out --subscribers 1000 --target 127.0.0.1:1883 --target 127.0.0.1:1884
  dunlin-load connect --clients 19000 --per-address 5000 --connect-rate 5000 --json -
  dunlin-load fan-in --target wss://localhost:8084/mqtt --ca ca.pem
  dunlin-load rules --topic sensors --verify-embedded http://127.0.0.1:8080 --queue sensors_up

Exit code: 0 all that was sent is accounted for, 1 wrong usage or a client that could not
connect or was cut off, 2 loss (or a run that ended before everything had come), 3 duplicates
at QoS 2 or messages at the wrong receiver, 4 reordering, 5 the latency goal was missed.)";

const std::map<std::string, scenario> scenarios = {
    {"connect", scenario::connect},   {"subscribe", scenario::subscribe},
    {"fan-in", scenario::fan_in},     {"fan-out", scenario::fan_out},
    {"pairs", scenario::pairs},       {"shared", scenario::shared},
    {"retained", scenario::retained}, {"rules", scenario::rules}};

struct raw {  // as on the command line, before defaults that depend on each other
  std::vector<std::string> targets{"127.0.0.1:1883"};
  std::string version = "3.1.1";
  int qos = -1, subscribe_qos = -1;
  int64_t outstanding = -1, window = -1;
  bool clean = false;
};

void add_client_options(CLI::App& app, options& o, raw& r) {
  app.add_option(
         "--target", r.targets,
         "[mqtt://]host:port, tls://host:port, ws://host:port/path, wss://host:port/path or "
         "unix:///path of a node; several take clients in turn")
      ->capture_default_str();
  app.add_option("--ca", o.certificates.ca,
                 "tls, wss: trusted certificates, PEM (default: the system's)");
  app.add_flag("--insecure", o.certificates.insecure, "tls, wss: any certificate will do");
  auto* key = app.add_option("--key", o.certificates.key, "tls, wss: the clients' key, PEM");
  app.add_option("--cert", o.certificates.cert, "tls, wss: the clients' certificate, PEM")
      ->needs(key);
  app.add_flag("--allow-remote", o.allow_remote, "targets beyond the loopback addresses");
  app.add_option("--mqtt", r.version, "3.1.1 or 5")
      ->check(CLI::IsMember({"3.1.1", "5"}))
      ->capture_default_str();
  app.add_option("--qos", r.qos, "of publishers (default 0; rules: 1)")->check(CLI::Range(0, 2));
  app.add_option("--subscribe-qos", r.subscribe_qos, "of subscribers (default: as --qos)")
      ->check(CLI::Range(0, 2));
  app.add_flag("--clean", r.clean, "clean sessions (default)");
  app.add_flag("--persistent", o.persistent, "persistent sessions")->excludes("--clean");
  app.add_option("--keep-alive", o.keep_alive_s, "seconds")->capture_default_str();
  app.add_option("--client-prefix", o.client_prefix,
                 "client IDs are this and a number (default: new in every run)");
  app.add_option("--threads", o.threads, "event loops")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--connect-rate", o.connect_rate,
                 "connections a second (0: as fast as they are taken)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--connecting", o.connecting_max, "handshakes at once")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  app.add_option("--per-address", o.per_address,
                 "connections from one source address 127.0.0.x (0: no limit)");
}

void add_load_options(CLI::App& app, options& o, raw& r) {
  const auto count = CLI::Range(uint32_t(1), uint32_t(10'000'000));
  app.add_option("--publishers", o.publishers)->check(count)->capture_default_str();
  app.add_option("--subscribers", o.subscribers)->check(count)->capture_default_str();
  app.add_option("--pairs", o.pairs)->check(count)->capture_default_str();
  app.add_option("--clients", o.clients)->check(count)->capture_default_str();
  app.add_option("--per-client", o.per_client, "subscriptions of each")
      ->check(count)
      ->capture_default_str();
  app.add_option("--wildcard", o.wildcard_percent, "percent of the subscriptions")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--batch", o.batch, "filters in one SUBSCRIBE")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--messages", o.messages, "retained messages")
      ->check(count)
      ->capture_default_str();
  app.add_option("--p2p", o.p2p, "pairs: PARENT/p2p/clientId, without subscriptions");
  app.add_option("--group", o.group, "of the shared subscription")->capture_default_str();
  app.add_option("--topic", o.topic, "parent of the topics used");
  app.add_option("--payload", o.payload_bytes, "bytes")
      ->check(CLI::Range(uint32_t(sizeof(stamp)), uint32_t(200'000'000)))
      ->capture_default_str();
  app.add_option(
         "--window", r.window,
         "QoS 1, 2: unacknowledged messages of a publisher (32); subscribe: SUBSCRIBEs (16)")
      ->check(CLI::Range(1, 65'535));
  app.add_option("--outstanding", r.outstanding,
                 "messages on their way at once; 0: no bound (QoS 0 default: 1000)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--rate", o.rate,
                 "messages a second, all publishers (0: as fast as window and outstanding let)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--independent", o.independent,
               "with --rate: each publisher at a moment of its own, so that messages meet");
}

void add_run_options(CLI::App& app, options& o) {
  app.add_option(
      "--count", o.count,
      "fan-in, fan-out, pairs, shared: messages to send in all, instead of a time (and within "
      "--drain-max)");
  app.add_option("--seconds", o.seconds, "measured")
      ->check(CLI::Range(0.0, 1e7))
      ->capture_default_str();
  app.add_option("--warmup", o.warmup, "seconds before")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--hold", o.hold, "connect, subscribe: idle seconds before memory is read")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--setup-max", o.setup_max, "seconds to connect and subscribe")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  app.add_option("--drain-max", o.drain_max, "seconds to wait for the last messages")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  app.add_option("--verify-embedded", o.verify_embedded,
                 "rules: http://host:port of the broker, to read the embedded queue");
  app.add_option("--queue", o.queue, "rules: topic of the embedded queue (default: as --topic)");
  app.add_option("--queue-group", o.queue_group, "rules: consumer group")->capture_default_str();
  app.add_option("--pid", o.pids, "the broker's process, for its CPU and memory")->delimiter(',');
  app.add_option("--json", o.json, "the result as JSON into this file; - for standard output");
  app.add_option("--goal-p99", o.goal_p99_ms, "fail when p99 is over this, ms")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--quiet", o.quiet, "no progress line");
}

std::string complete(const raw& r, options& o) {
  o.version = r.version == "5" ? mqtt::version::v5 : mqtt::version::v311;
  o.qos = uint8_t(r.qos >= 0 ? r.qos : o.what == scenario::rules ? 1 : 0);
  o.subscribe_qos = uint8_t(r.subscribe_qos >= 0 ? r.subscribe_qos : o.qos);
  if (o.what == scenario::rules && o.qos == 0)
    return "rules: --qos 1 or 2, since only acknowledged messages can be verified";
  if (!o.verify_embedded.empty() && o.what != scenario::rules)
    return "--verify-embedded belongs to the scenario rules";
  o.window = r.window >= 0 ? uint32_t(r.window) : o.what == scenario::subscribe ? 16 : 32;
  if (o.what == scenario::retained && r.outstanding > 0)
    return "retained: without --outstanding, since nobody receives the messages yet";
  const bool bound = o.rate == 0 && std::min(o.qos, o.subscribe_qos) == 0 &&
                     o.what != scenario::rules && o.what != scenario::retained;
  o.outstanding = r.outstanding >= 0 ? uint64_t(r.outstanding) : bound ? 1000 : 0;
  if (o.topic.empty()) o.topic = o.what == scenario::rules ? "sensors" : "load";
  if (o.queue.empty()) o.queue = o.topic;
  if (!o.verify_embedded.empty()) {
    std::string address = o.verify_embedded;
    if (address.rfind("http://", 0) == 0) address.erase(0, 7);
    if (address.ends_with('/')) address.pop_back();
    if (address.find("://") != std::string::npos)
      return "--verify-embedded " + o.verify_embedded + ": http://host:port is needed";
    std::string wrong = resolve("--verify-embedded", address, o.allow_remote, o.queue_api);
    if (!wrong.empty()) return wrong;
  }
  for (const std::string& t : r.targets) {
    endpoint e;
    if (std::string wrong = resolve("--target", t, o.allow_remote, e); !wrong.empty()) return wrong;
    if (e.tls && !o.tls) {
      std::string wrong;
      o.tls = tls_context::make(o.certificates, wrong);
      if (!o.tls) return wrong;
    }
    o.targets.push_back(std::move(e));
  }
  return {};
}

}  // namespace

const char* name_of(scenario s) {
  for (const auto& [name, value] : scenarios) {
    if (value == s) return name.c_str();
  }
  return "?";
}

parsed parse(int argc, const char* const* argv) {
  options o;
  raw r;
  CLI::App app{"dunlin-load: load for an MQTT broker, and a check of every message.",
               "dunlin-load"};
  app.footer(examples);
  app.add_option("scenario", o.what, "see below")
      ->required()
      ->transform(CLI::Transformer(scenarios));
  add_client_options(app, o, r);
  add_load_options(app, o, r);
  add_run_options(app, o);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, 0, app.help()};
  } catch (const CLI::ParseError& e) {
    return {std::nullopt, 1,
            std::string("dunlin-load: ") + e.what() + " (--help lists scenarios and options)\n"};
  }
  if (std::string wrong = complete(r, o); !wrong.empty()) {
    return {std::nullopt, 1, "dunlin-load: " + wrong + "\n"};
  }
  return {std::move(o), 0, {}};
}

}  // namespace dunlin::load
