// What the rules cost: a record in the shard, an append to the spool, a message through an outbound
// rule.
//   bazel run //tests/bench:rules_bench
#include <benchmark/benchmark.h>

#include <atomic>
#include <caf/all.hpp>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "rules/embedded_queue.hpp"
#include "rules/outbound.hpp"
#include "rules/record.hpp"
#include "rules/spool.hpp"

namespace dunlin::rules {
namespace {

namespace fs = std::filesystem;

constexpr size_t payload_bytes = 256;
constexpr int records_per_store = 64;

std::string dir_of_its_own() {
  auto name = (fs::temp_directory_path() / "rules_bench_XXXXXX").string();
  return mkdtemp(name.data()) ? name : std::string();
}

device_message sample() {
  static const std::string payload(payload_bytes, 'x');
  device_message m;
  m.topic = "sensors/room/12345";
  m.payload = payload;
  m.client_id = "GID_bench@@@device-0001";
  m.qos = 1;
  m.born_ms = 1'700'000'000'000;
  return m;
}

void append_one_record(benchmark::State& state) {
  auto m = sample();
  std::string out;
  for (auto _ : state) {
    if (out.size() > 64 << 10) out.clear();
    append_record(m, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(append_one_record);

// So many at once are on their way.
class window {
 public:
  explicit window(int most) : most_(most) {}
  void enter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ < most_; });
    ++inside_;
  }
  void leave() {
    std::lock_guard lock(mutex_);
    --inside_;
    changed_.notify_all();
  }
  void wait_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int most_, inside_ = 0;
};

void spool_append(benchmark::State& state, spool_sync sync) {
  auto dir = dir_of_its_own();
  {
    auto s = *spool::open({.path = dir, .sync = sync});
    auto attached = s->attach("bench");
    auto records = std::make_shared<const std::string>(20'000, 'r');
    window w(16);
    uint64_t n = 0;
    for (auto _ : state) {
      w.enter();
      s->append("bench", {n, n, 64, 0, records}, true, [&](absl::Status) { w.leave(); });
      if (++n % 100 == 0) s->remove("bench", n - 50, n - 50);
    }
    w.wait_empty();
    state.SetItemsProcessed(static_cast<int64_t>(n));
    state.counters["messages/s"] =
        benchmark::Counter(static_cast<double>(n) * 64, benchmark::Counter::kIsRate);
  }
  fs::remove_all(dir);
}
BENCHMARK_CAPTURE(spool_append, sync_always, spool_sync::always)->UseRealTime();
BENCHMARK_CAPTURE(spool_append, sync_never, spool_sync::never)->UseRealTime();

// Takes everything at once; `mixed`: what the server can do.
class swallowing_queue : public message_queue {
 public:
  explicit swallowing_queue(bool mixed) : mixed_(mixed) {}
  send_limits limits() const override {
    return {.messages_max = 1024,
            .bytes_max = 3500 << 10,
            .body_bytes_max = 3500 << 10,
            .mixed_properties = mixed_};
  }
  void send(const std::string&, std::vector<queue_message> batch,
            std::function<void(queue_result)> done) override {
    requests += 1;
    done({});
  }
  void receive(const receive_request&, std::function<void(received)> done) override { done({}); }
  void ack(const std::string&, const std::string&, std::vector<queue_message>,
           std::function<void(queue_result)> done) override {
    done({});
  }
  void nack(const std::string&, const std::string&, queue_message, std::chrono::milliseconds,
            std::function<void(queue_result)> done) override {
    done({});
  }
  void close() override {}
  std::atomic<uint64_t> requests{0};

 private:
  bool mixed_;
};

void outbound(benchmark::State& state, rule_format format, spool_sync sync,
              std::shared_ptr<message_queue> queue) {
  auto dir = dir_of_its_own();
  {
    caf::actor_system_config config;
    caf::actor_system system{config};
    caf::scoped_actor self{system};
    auto store_in = *spool::open({.path = dir + "/s", .sync = sync});
    if (!queue) {
      embedded_queue_options o;
      o.path = dir + "/q";
      queue = *open_embedded_queue(o);
    }
    driver_config d;
    d.options.config.id = "bench";
    d.options.config.queue = "bench";
    d.options.config.format = format;
    d.options.limits = queue->limits();
    d.state = *store_in->attach("bench");
    d.store = std::move(store_in);
    d.queue = queue;
    d.wall_ms = [] { return int64_t{1'700'000'000'000}; };
    auto rule = spawn_outbound(system, std::move(d));

    std::string records;
    for (int i = 0; i < records_per_store; ++i) append_record(sample(), records);
    uint64_t stored_messages = 0;
    int open = 0;
    auto take_answer = [&] { self->receive([&](const stored&) { --open; }); };
    for (auto _ : state) {
      while (open >= 32) take_answer();
      self->send(rule, store{records, records_per_store});
      ++open;
      stored_messages += records_per_store;
    }
    while (open > 0) take_answer();
    for (uint64_t sent = 0; sent < stored_messages;) {
      self->request(rule, caf::infinite, describe{})
          .receive([&](const rule_status& s) { sent = s.sent; }, [](const caf::error&) {});
    }
    state.counters["messages/s"] =
        benchmark::Counter(static_cast<double>(stored_messages), benchmark::Counter::kIsRate);
    self->send(rule, stop{});
    self->wait_for(rule);
  }
  fs::remove_all(dir);
}
BENCHMARK_CAPTURE(outbound, envelope_always, rule_format::envelope, spool_sync::always,
                  std::make_shared<swallowing_queue>(false))
    ->UseRealTime();
BENCHMARK_CAPTURE(outbound, envelope_never, rule_format::envelope, spool_sync::never,
                  std::make_shared<swallowing_queue>(false))
    ->UseRealTime();
BENCHMARK_CAPTURE(outbound, message_always, rule_format::message, spool_sync::always,
                  std::make_shared<swallowing_queue>(true))
    ->UseRealTime();
BENCHMARK_CAPTURE(outbound, message_never, rule_format::message, spool_sync::never,
                  std::make_shared<swallowing_queue>(true))
    ->UseRealTime();
BENCHMARK_CAPTURE(outbound, message_equal_properties, rule_format::message, spool_sync::always,
                  std::make_shared<swallowing_queue>(false))
    ->UseRealTime();
BENCHMARK_CAPTURE(outbound, envelope_embedded, rule_format::envelope, spool_sync::always, nullptr)
    ->UseRealTime();
BENCHMARK_CAPTURE(outbound, message_embedded, rule_format::message, spool_sync::always, nullptr)
    ->UseRealTime();

}  // namespace
}  // namespace dunlin::rules
