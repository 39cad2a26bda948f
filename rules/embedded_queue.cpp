#include "rules/embedded_queue.hpp"

#include <algorithm>
#include <charconv>
#include <list>
#include <utility>
#include <variant>
#include <vector>

#include "base/wall_clock.hpp"
#include "rules/batch_thread.hpp"
#include "rules/embedded_store.hpp"

namespace dunlin::rules {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds retention_interval{10};
constexpr size_t name_bytes_max = 127;

struct send_op {
  std::string topic;
  std::vector<queue_message> batch;
  std::function<void(queue_result)> done;
  queue_result result;
};
struct receive_op {
  receive_request what;
  clock::time_point until;
  std::function<void(received)> done;
};
struct ack_op {
  std::string topic, group;
  std::vector<queue_message> messages;
  std::function<void(queue_result)> done;
  queue_result result;
};
struct nack_op {
  std::string topic, group;
  queue_message message;
  std::chrono::milliseconds delay;
  std::function<void(queue_result)> done;
};
struct close_op {};
using op = std::variant<send_op, receive_op, ack_op, nack_op, close_op>;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_bytes_max &&
         std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c != '/' && c < 0x7F; });
}

// A receipt is the message's number, a dot, the attempt.
bool parse_receipt(std::string_view receipt, uint64_t& sequence) {
  auto [end, fault] = std::from_chars(receipt.data(), receipt.data() + receipt.size(), sequence);
  return fault == std::errc{} && end != receipt.data() + receipt.size() && *end == '.';
}

queue_result bad_name(std::string_view name) {
  return {outcome::refused, 0,
          "\"" + std::string(name) +
              "\" is no name of a topic or group: 1 to 127 visible ASCII "
              "characters, no slash"};
}
queue_result closed() { return {outcome::retry, 0, "the queue is being closed"}; }

// What the queue's thread works on.
class worker {
 public:
  worker(embedded_queue_options options, std::unique_ptr<embedded_store> store)
      : options_(std::move(options)), store_(std::move(store)) {}

  clock::time_point handle(std::vector<op>& ops) {
    bool sync = false;
    if (store_->faulty())
      commit(true).IgnoreError();  // on with what is kept, when the disk is back
    for (auto& o : ops) std::visit([&](auto& x) { sync |= change(x); }, o);
    drop_old();
    auto fault = store_->has_changes() && !store_->faulty() ? commit(sync) : absl::OkStatus();
    for (auto& o : ops) std::visit([&](auto& x) { answer(x, fault); }, o);
    serve();
    if (store_->has_changes() && !store_->faulty()) commit(false).IgnoreError();  // likewise
    sync_when_due();
    return next_wake();
  }

 private:
  // First pass: what is written. True: to be synced.
  bool change(send_op& s);
  bool change(receive_op&) { return false; }
  bool change(ack_op& a);
  bool change(nack_op&) { return false; }
  bool change(close_op&) {
    closed_ = true;
    return false;
  }
  // Second pass: what is told.
  void answer(send_op& s, const absl::Status& fault);
  void answer(receive_op& r, const absl::Status&);
  void answer(ack_op& a, const absl::Status& fault);
  void answer(nack_op& n, const absl::Status&);
  void answer(close_op&, const absl::Status&) {}

  absl::Status commit(bool sync);
  void serve();
  void drop_old();
  void sync_when_due();
  clock::time_point next_wake() const;

  embedded_queue_options options_;
  std::unique_ptr<embedded_store> store_;
  std::list<receive_op> waiting_;
  clock::time_point looked_for_old_ = clock::now();
  bool dirty_ = false;
  clock::time_point dirty_since_;
  bool closed_ = false;
};

bool worker::change(send_op& s) {
  if (closed_) {
    s.result = closed();
  } else if (!is_name(s.topic)) {
    s.result = bad_name(s.topic);
  } else if (store_->faulty()) {
    s.result = {outcome::retry, 0, "the queue's disk cannot be written"};
  } else if (!store_->append(s.topic, s.batch, wall_clock_ms())) {
    s.result = {outcome::retry, 0,
                "the embedded queue's topic " + s.topic +
                    " is full: a consumer group is far behind (queue.messages_max, bytes_max)"};
  }
  s.batch.clear();
  return s.result.what == outcome::ok;
}

bool worker::change(ack_op& a) {
  if (store_->faulty()) {
    a.result = {outcome::retry, 0, "the queue's disk cannot be written"};
    return false;
  }
  for (const auto& m : a.messages) {
    uint64_t sequence = 0;
    if (parse_receipt(m.receipt, sequence)) {
      store_->ack(a.topic, a.group, sequence);
    } else {
      a.result = {outcome::refused, 0, "\"" + m.receipt + "\" is no receipt"};
    }
  }
  return true;
}

void worker::answer(send_op& s, const absl::Status& fault) {
  if (s.result.what == outcome::ok && !fault.ok()) {
    s.result = {outcome::retry, 0, std::string(fault.message())};
  }
  s.done(std::move(s.result));
}

void worker::answer(receive_op& r, const absl::Status&) {
  if (!is_name(r.what.topic) || !is_name(r.what.group)) {
    r.done({bad_name(is_name(r.what.topic) ? r.what.group : r.what.topic), {}});
  } else {
    waiting_.push_back(std::move(r));
  }
}

void worker::answer(ack_op& a, const absl::Status& fault) {
  if (a.result.what == outcome::ok && !fault.ok()) {
    a.result = {outcome::retry, 0, std::string(fault.message())};
  }
  a.done(std::move(a.result));
}

void worker::answer(nack_op& n, const absl::Status&) {
  uint64_t sequence = 0;
  if (!parse_receipt(n.message.receipt, sequence)) {
    n.done({outcome::refused, 0, "\"" + n.message.receipt + "\" is no receipt"});
    return;
  }
  store_->nack(n.topic, n.group, sequence, clock::now() + n.delay);
  n.done({});
}

absl::Status worker::commit(bool sync) {
  using sync_mode = decltype(options_.sync);
  auto result = store_->commit(sync && options_.sync == sync_mode::always);
  if (options_.sync == sync_mode::interval && sync && !dirty_) {
    dirty_ = true;
    dirty_since_ = clock::now();
  }
  return result;
}

void worker::sync_when_due() {
  if (!dirty_ || store_->faulty() || clock::now() < dirty_since_ + options_.sync_interval) return;
  dirty_ = false;
  store_->sync().IgnoreError();  // a disk that fails says so at the next write
}

void worker::serve() {
  auto now = clock::now();
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    auto found =
        closed_ || store_->faulty() ? std::vector<queue_message>{} : store_->take(at->what, now);
    if (found.empty() && !closed_ && now < at->until) {
      ++at;
      continue;
    }
    auto result = closed_ ? closed() : queue_result{};
    at->done({std::move(result), std::move(found)});
    at = waiting_.erase(at);
  }
}

void worker::drop_old() {
  if (store_->faulty() || clock::now() < looked_for_old_ + retention_interval) return;
  looked_for_old_ = clock::now();
  store_->drop_old(wall_clock_ms());
}

clock::time_point worker::next_wake() const {
  auto wake = clock::now() + retention_interval;
  if (dirty_ && !store_->faulty()) wake = std::min(wake, dirty_since_ + options_.sync_interval);
  for (const auto& w : waiting_) {
    wake = std::min({wake, w.until, store_->next_visible(w.what.topic, w.what.group)});
  }
  return wake;
}

class embedded_queue : public message_queue {
 public:
  embedded_queue(embedded_queue_options options, std::unique_ptr<embedded_store> store)
      : thread_([w = std::make_shared<worker>(std::move(options), std::move(store))](
                    std::vector<op>& ops) { return w->handle(ops); }) {}
  ~embedded_queue() override { thread_.push(close_op{}); }

  send_limits limits() const override {
    return {.messages_max = 1024,
            .bytes_max = 4 << 20,
            .body_bytes_max = 4 << 20,
            .mixed_properties = true};
  }
  void send(const std::string& topic, std::vector<queue_message> batch,
            std::function<void(queue_result)> done) override {
    thread_.push(send_op{topic, std::move(batch), std::move(done), {}});
  }
  void receive(const receive_request& what, std::function<void(received)> done) override {
    thread_.push(receive_op{what, clock::now() + what.wait, std::move(done)});
  }
  void ack(const std::string& topic, const std::string& group, std::vector<queue_message> messages,
           std::function<void(queue_result)> done) override {
    thread_.push(ack_op{topic, group, std::move(messages), std::move(done), {}});
  }
  void nack(const std::string& topic, const std::string& group, queue_message message,
            std::chrono::milliseconds delay, std::function<void(queue_result)> done) override {
    thread_.push(nack_op{topic, group, std::move(message), delay, std::move(done)});
  }
  void close() override { thread_.push(close_op{}); }

 private:
  batch_thread<op> thread_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<message_queue>> open_embedded_queue(embedded_queue_options options) {
  auto store = embedded_store::open(options);
  if (!store.ok()) return store.status();
  return std::make_shared<embedded_queue>(std::move(options), std::move(*store));
}

}  // namespace dunlin::rules
