#include "broker/cli.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <optional>

#include "base/log.hpp"
#include "base/version.hpp"
#include "broker/access/crypto.hpp"
#include "broker/access/scram.hpp"
#include "broker/commands.hpp"
#include "broker/config_log.hpp"

namespace dunlin {

namespace {

constexpr const char* standard_file = "dunlin.yaml";

std::vector<std::pair<std::string, std::string>> environment() {
  std::vector<std::pair<std::string, std::string>> out;
  for (char** e = environ; e != nullptr && *e != nullptr; ++e) {
    const std::string_view both = *e;
    const size_t equals = both.find('=');
    if (equals != std::string_view::npos)
      out.emplace_back(both.substr(0, equals), both.substr(equals + 1));
  }
  return out;
}

// Stands in front of every command but version: its own --config and --set.
struct arguments {
  config_source from;
  bool json = false;
  std::string url;  // of a running node; empty: http.address of the configuration

  void add_to(CLI::App& command) {
    command.add_option("-c,--config", from.file,
                       "the configuration file (default: ./dunlin.yaml, if there is one)");
    command
        .add_option("-s,--set", from.settings,
                    "KEY=VALUE: sets one key, for example http.address=127.0.0.1:8081")
        ->allow_extra_args(false)
        ->take_all();
  }
  // For a command that asks a running node.
  void add_node_to(CLI::App& command) {
    add_to(command);
    command.add_option("-u,--url", url,
                       "the node's HTTP interface, for example http://127.0.0.1:8080 (default: "
                       "http.address of the configuration)");
    command.add_flag("--json", json, "the node's answer as JSON");
  }
  absl::StatusOr<loaded_config> load() {
    std::error_code ec;
    if (from.file.empty() && std::filesystem::exists(standard_file, ec)) from.file = standard_file;
    from.environment = environment();
    return load_config(from);
  }
};

void print_summary(const loaded_config& c) {
  const auto& v = c.values;
  std::cout << "ok\n  file: " << (c.file.empty() ? "none (defaults)" : c.file)
            << "\n  node: " << v.node().name() << ", data in " << v.node().data_dir() << '\n';
  for (const auto& l : v.listeners())
    std::cout << "  listener: " << l.name() << " on " << l.address() << '\n';
  if (v.http().enabled()) std::cout << "  http: on " << v.http().address() << '\n';
  std::cout << "  queue: "
            << (v.rocketmq().endpoint().empty() ? "embedded"
                                                : "RocketMQ at " + v.rocketmq().endpoint())
            << '\n';
  for (const auto& r : v.rules()) {
    const std::string topic =
        r.type() == proto::Rule::STATUS ? "group " + r.group() : "topic " + r.topic();
    std::cout << "  rule: " << r.id() << ", "
              << (r.type() == proto::Rule::INBOUND ? "queue " + r.queue() + " to " + topic
                                                   : topic + " to queue " + r.queue())
              << '\n';
  }
}

std::string quoted(const std::string& s) {  // in YAML
  std::string out = "'";
  for (const char c : s) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

int scram_user(const std::string& name) {
  std::string password;
  std::getline(std::cin, password);
  if (password.empty()) {
    std::cerr
        << "no password on standard input. Hint: printf %s PASSWORD | dunlin scram-user NAME\n";
    return exit_wrong_configuration;
  }
  constexpr size_t salt_bytes = 16;
  const auto v = access::make_verifier(password, access::random_bytes(salt_bytes),
                                       access::scram_iterations_min);
  std::cout << "{name: " << quoted(name) << ", scram: \"" << access::to_string(v) << "\"}\n";
  return 0;
}

// Runs a command against the node that --url names, or else the configuration.
int ask_node(arguments& args, const std::function<int(const node_command&)>& command) {
  if (!args.url.empty()) return command({args.url, args.json});
  const auto loaded = args.load();
  if (!loaded.ok()) {
    std::cerr << std::string(loaded.status().message()) << '\n';
    return exit_wrong_configuration;
  }
  if (!loaded->values.http().enabled()) {
    std::cerr
        << "http.enabled is off: the node cannot be asked. Hint: send it SIGHUP to reload, or "
           "name another node with --url\n";
    return exit_wrong_configuration;
  }
  return command({loaded->values.http().address(), args.json});
}

int serve_with(const loaded_config& c, const std::function<int(const loaded_config&)>& serve) {
  configure_log(c.values);
  for (const auto& w : c.warnings) log::warn("configuration", {{"warning", w}});
  return serve(c);
}

// The commands that ask a running node.
class node_commands {
 public:
  node_commands(CLI::App& app, arguments& args) {
    reload_ = app.add_subcommand(
        "reload", "make a running node read its configuration again; says what changed");
    add_trace(app);
    add_clients(app);
    add_bans(app);
    for (auto* command :
         {reload_, trace_, slow_, show_, disconnect_, bans_list_, bans_add_, bans_remove_})
      args.add_node_to(*command);
  }

  // Nothing: it was another command.
  std::optional<int> run(arguments& args) const {
    using node = const node_command&;
    if (reload_->parsed()) return ask_node(args, reload_node);
    if (trace_->parsed()) return ask_node(args, [&](node n) { return trace_client(n, traced_); });
    if (slow_->parsed()) return ask_node(args, [&](node n) { return show_slow(n, by_, most_); });
    if (show_->parsed()) return ask_node(args, [&](node n) { return show_client(n, client_); });
    if (disconnect_->parsed())
      return ask_node(args, [&](node n) { return disconnect_client(n, client_); });
    if (bans_list_->parsed()) return ask_node(args, list_bans);
    if (bans_add_->parsed()) return ask_node(args, [&](node n) { return add_ban(n, ban_); });
    if (bans_remove_->parsed()) return ask_node(args, [&](node n) { return remove_ban(n, ban_); });
    return {};
  }

 private:
  void add_trace(CLI::App& app) {
    auto* trace = app.add_subcommand("trace", "show live what one client sends, gets and meets");
    trace->require_subcommand(1);
    trace_ = trace->add_subcommand(
        "client", "by its client ID; the client need not be there yet. Ends with Ctrl-C");
    trace_->add_option("ID", traced_.client, "the client ID")->required();
    trace_->add_option("--seconds", traced_.seconds,
                       "how long (default 60; at most trace.seconds_max)");
    trace_->add_option("--payload", traced_.payload_bytes,
                       "bytes to show of each payload (default 0: none)");
  }
  void add_clients(CLI::App& app) {
    slow_ = app.add_subcommand("slow", "the connected subscribers that are behind, worst first");
    slow_->add_option("--by", by_,
                      "bytes, messages, latency, behind, held or dropped (default bytes)");
    slow_->add_option("--max", most_, "how many (default 20)");
    auto* clients = app.add_subcommand("clients", "look at one client's session, or disconnect it");
    clients->require_subcommand(1);
    show_ = clients->add_subcommand("show", "its connection, subscriptions and queue");
    disconnect_ = clients->add_subcommand(
        "disconnect",
        "close its connection (reason 0x98); its session stays, and it may come back");
    for (auto* command : {show_, disconnect_})
      command->add_option("ID", client_, "the client ID")->required();
  }

  void add_bans(CLI::App& app) {
    auto* bans = app.add_subcommand("bans", "who may not connect");
    bans->require_subcommand(1);
    bans_list_ = bans->add_subcommand("list", "all that are in force");
    bans_add_ = bans->add_subcommand(
        "add", "ban a client ID, a user name, or an address; whoever is connected is disconnected");
    bans_remove_ = bans->add_subcommand("remove", "let it connect again");
    for (auto* command : {bans_add_, bans_remove_}) {
      auto* about = command->add_option_group("about", "one of");
      about->add_option("--client", ban_.client, "the client ID");
      about->add_option("--user", ban_.user, "the user name");
      about->add_option("--address", ban_.address, "an address or network, such as 203.0.113.0/24");
      about->require_option(1);
    }
    bans_add_->add_option("--seconds", ban_.seconds, "how long (default: for ever)");
    bans_add_->add_option("--reason", ban_.reason, "told to the client (5.0) and in the log");
    bans_add_->add_option("--by", ban_.by, "who says so");
  }

  CLI::App *reload_, *trace_, *slow_, *show_, *disconnect_;
  CLI::App *bans_list_, *bans_add_, *bans_remove_;
  ban_command ban_;
  trace_command traced_;
  std::string by_ = "bytes", client_;
  uint32_t most_ = 20;
};

}  // namespace

int run_cli(int argc, char** argv, std::function<int(const loaded_config&)> serve) {
  CLI::App app{"Dunlin, an MQTT broker with rules to and from RocketMQ", "dunlin"};
  app.require_subcommand(1);
  arguments args;
  auto* run =
      app.add_subcommand("serve", "run a node in the foreground; SIGTERM drains and ends it");
  auto* check = app.add_subcommand("check", "check the configuration and say what it means");
  auto* show = app.add_subcommand("show-config", "every key with its value and where it was set");
  node_commands ask(app, args);
  auto* show_version = app.add_subcommand("version", "the version");
  auto* scram = app.add_subcommand(
      "scram-user", "reads a password from standard input and writes an entry of access.users");
  std::string user;
  scram->add_option("name", user, "the user's name")->required();
  for (auto* command : {run, check, show}) args.add_to(*command);
  show->add_flag("--json", args.json, "as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : exit_wrong_configuration;
  }
  if (show_version->parsed()) {
    std::cout << "dunlin " << version << '\n';
    return 0;
  }
  if (scram->parsed()) return scram_user(user);
  if (const auto code = ask.run(args)) return *code;
  const auto loaded = args.load();
  if (!loaded.ok()) {
    std::cerr << std::string(loaded.status().message()) << '\n';
    return exit_wrong_configuration;
  }
  if (run->parsed()) return serve_with(*loaded, serve);
  for (const auto& w : loaded->warnings) std::cerr << "warning: " << w << '\n';
  if (check->parsed())
    print_summary(*loaded);
  else
    std::cout << (args.json ? show_config_json(*loaded) : show_config(*loaded));
  return 0;
}

}  // namespace dunlin
