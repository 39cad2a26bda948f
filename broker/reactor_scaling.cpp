#include "broker/reactor_scaling.hpp"

#include "base/log.hpp"

namespace dunlin {

// On its reactor's thread, but for the two shares.
struct reactor_scaling::meter : net::timer {
  meter(net::reactor& r, reactor_scaling& s) : reactor(r), owner(s) {
    on_fire = [](net::timer& t) { static_cast<meter&>(t).measure(); };
  }

  void measure() {
    if (!clock) clock = std::make_unique<net::thread_clock>();
    const auto now = clock->read();
    const uint64_t now_ms = reactor.now_ms();
    if (now && last && now_ms > measured_ms) {
      const auto window_ns = static_cast<double>((now_ms - measured_ms) * 1'000'000);
      const auto share = [&](uint64_t ns) {
        return std::min(1.0, static_cast<double>(ns) / window_ns);
      };
      ran = share(now->ran_ns - last->ran_ns);
      waited = share(now->waited_ns - last->waited_ns);
    }
    last = now;
    measured_ms = now_ms;
    if (reactor.index() == 0) owner.look();
    reactor.timers().set(*this, now_ms + net::scaling::look_ms);
  }

  net::reactor& reactor;
  reactor_scaling& owner;
  std::unique_ptr<net::thread_clock> clock;  // made on the thread
  std::optional<net::thread_times> last;
  uint64_t measured_ms = 0;
  std::atomic<double> ran{0}, waited{0};
};

reactor_scaling::reactor_scaling(directory& d)
    : directory_(d),
      known_(net::thread_clock().read().has_value()),
      scaling_(static_cast<uint32_t>(d.reactors.size())) {
  for (auto* r : d.reactors) meters_.push_back(std::make_unique<meter>(*r, *this));
  if (!known_)
    log::warn("reactors_not_scaled",
              {{"why", "/proc/thread-self/schedstat is missing"},
               {"hint", "all reactors are in use; set node.reactors to the cores that are free"}});
  look();
}

reactor_scaling::~reactor_scaling() = default;

void reactor_scaling::start() {
  for (auto& m : meters_) m->reactor.post([p = m.get()] { p->measure(); });
}

void reactor_scaling::stop() {
  for (auto& m : meters_) m->cancel();
}

void reactor_scaling::look() {
  net::scaling::measured m;
  for (const auto& meter : meters_) m.reactors.push_back({meter->ran, meter->waited});
  const uint64_t now_ms = directory_.reactors[0]->now_ms();
  const auto since_ms = static_cast<double>(now_ms - looked_ms_);
  const uint64_t before = std::exchange(packets_, packets());
  if (since_ms > 0) m.packets_per_s = static_cast<double>(packets_ - before) * 1000 / since_ms;
  if (scaling_.wants_more(m.reactors))
    m.free_cores = free_cores(now_ms);
  else
    idle_ns_.reset();
  looked_ms_ = now_ms;
  follow(scaling_.look(m, known_ ? directory_.now().reactors_min : most(), now_ms));
}

void reactor_scaling::follow(uint32_t n) {
  const uint32_t before = directory_.placement.in_use();
  if (n == before && directory_.placement.version() != 0) return;
  directory_.placement.set(n);
  directory_.reactors[0]->count().reactors_in_use.set(n);
  if (n != before) log::info("reactors_in_use", {{"now", n}, {"before", before}, {"most", most()}});
}

// That clients sent and got, so far.
uint64_t reactor_scaling::packets() const {
  uint64_t n = 0;
  for (auto* r : directory_.reactors) {
    const metrics::counters& c = r->count();
    for (size_t t = 0; t < 16; ++t) {
      const auto type = static_cast<mqtt::packet_type>(t);
      n += c.packets_received[type].value() + c.packets_sent[type].value();
    }
  }
  return n;
}

// Since the last look, where that asked too: whoever does not want more does not read /proc/stat.
std::optional<double> reactor_scaling::free_cores(uint64_t now_ms) {
  const auto before = std::exchange(idle_ns_, net::idle_ns());
  if (!before || !idle_ns_ || now_ms <= looked_ms_ || *idle_ns_ < *before) return {};
  return static_cast<double>(*idle_ns_ - *before) /
         static_cast<double>((now_ms - looked_ms_) * 1'000'000);
}

}  // namespace dunlin
