#include "rules/rocketmq_engine.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <random>

#include "rules/rocketmq_errors.hpp"

namespace dunlin::rules {
namespace {

using clock = std::chrono::system_clock;

constexpr int connect_timeout_ms = 2000;
constexpr int reconnect_min_ms = 100, reconnect_max_ms = 2000;
// A peer that is gone without a word is noticed after these two; calls end by their own deadline
// before.
constexpr int keepalive_ms = 30'000, keepalive_timeout_ms = 10'000;
constexpr int answer_bytes_max = 16 << 20;  // one received message: 4 MiB body, properties, framing
constexpr std::chrono::seconds tick_every{1};

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 && name[0] != 0 ? name.data() : "localhost";
}

// Unique among all clients of the server: it keeps a consumer's settings by it.
std::string unique_client_id(const std::string& host) {
  static std::atomic<uint32_t> made{0};
  std::random_device random;
  return host + "@" + std::to_string(getpid()) + "@" + std::to_string(++made) + "@" +
         std::to_string(random());
}

std::shared_ptr<grpc::Channel> connect(const std::string& endpoint) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, reconnect_min_ms);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, connect_timeout_ms);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, reconnect_max_ms);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_timeout_ms);
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY,
              0);  // $http_proxy is for the web, not for a message queue
  args.SetMaxReceiveMessageSize(answer_bytes_max);
  return grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), args);
}

}  // namespace

rocketmq_engine::rocketmq_engine(const rocketmq_options& options)
    : options_(options),
      host_(host_name()),
      client_id_(unique_client_id(host_)),
      stub_(wire::MessagingService::NewStub(connect(options.endpoint))) {
  wake_.engine = this;
  tick_event_.engine = this;
  thread_ = std::thread([this] { run(); });
}

rocketmq_engine::~rocketmq_engine() { close({}); }

bool rocketmq_engine::post(std::function<void()>&& f) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  enqueue(std::move(f));
  return true;
}

void rocketmq_engine::enqueue(std::function<void()>&& f) {
  posted_.push_back(std::move(f));
  if (wake_pending_) return;
  wake_pending_ = true;
  wake_alarm_.Set(&cq_, gpr_time_0(GPR_CLOCK_REALTIME), &wake_);
}

void rocketmq_engine::close(std::function<void()> last) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_)
      enqueue([this, last = std::move(last)] {
        closing_ = true;
        tick_alarm_.Cancel();
        for (auto* context : contexts_) context->TryCancel();
        if (last) last();
      });
    closed_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void rocketmq_engine::start_ticking(std::function<void()> tick) {
  if (tick_ || closing_) return;
  tick_ = std::move(tick);
  set_tick();
}

void rocketmq_engine::set_tick() { tick_alarm_.Set(&cq_, clock::now() + tick_every, &tick_event_); }

void rocketmq_engine::on_tick(bool ok) {
  if (!ok || closing_) return;
  tick_();
  set_tick();
}

void rocketmq_engine::run() {
  void* tag = nullptr;
  bool ok = false;
  bool ended = false;
  while (cq_.Next(&tag, &ok)) {
    static_cast<rocketmq_event*>(tag)->fire(ok);
    // After Shutdown no operation may be started, and a cancelled stream still starts its last one:
    // wait for all calls.
    if (closing_ && contexts_.empty() && !ended) {
      ended = true;
      cq_.Shutdown();
    }
  }
}

void rocketmq_engine::run_posted() {
  {
    const std::lock_guard lock(mutex_);
    wake_pending_ = false;
    running_.swap(posted_);
  }
  for (auto& f : running_) f();
  running_.clear();
}

void rocketmq_engine::prepare(grpc::ClientContext& context, const std::string& client_id,
                              std::chrono::milliseconds timeout) {
  const auto now = clock::now();
  contexts_.insert(&context);
  if (timeout.count() > 0) context.set_deadline(now + timeout);
  context.AddMetadata("x-mq-client-id", client_id);
  context.AddMetadata("x-mq-language", "CPP");
  context.AddMetadata("x-mq-client-version", "5.0.0");
  context.AddMetadata("x-mq-protocol", "v2");
  if (options_.access_key.empty()) return;
  if (now - signed_at_ >= std::chrono::seconds(1)) {
    signature_ = sign({options_.access_key, options_.secret_key}, now);
    signed_at_ = now;
  }
  context.AddMetadata("x-mq-date-time", signature_.date_time);
  context.AddMetadata("authorization", signature_.authorization);
}

queue_result rocketmq_engine::failed(const grpc::Status& status) const {
  return classify_transport(status.error_code(), status.error_message(), options_.endpoint);
}

}  // namespace dunlin::rules
