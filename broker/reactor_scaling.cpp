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
  std::vector<net::scaling::use> uses;
  for (const auto& m : meters_) uses.push_back({m->ran, m->waited});
  const uint64_t now_ms = directory_.reactors[0]->now_ms();
  std::optional<double> free;
  if (scaling_.wants_more(uses))
    free = free_cores(now_ms);
  else
    idle_ns_.reset();
  looked_ms_ = now_ms;
  const uint32_t before = directory_.placement.in_use();
  const uint32_t least =
      known_ ? directory_.now().reactors_min : static_cast<uint32_t>(uses.size());
  const uint32_t n = scaling_.look(uses, least, free, now_ms);
  if (n == before && directory_.placement.version() != 0) return;
  directory_.placement.set(n);
  directory_.reactors[0]->count().reactors_in_use.set(n);
  if (n != before)
    log::info("reactors_in_use", {{"now", n}, {"before", before}, {"most", uses.size()}});
}

// Since the last look, where that asked too: whoever does not want more does not read /proc/stat.
std::optional<double> reactor_scaling::free_cores(uint64_t now_ms) {
  const auto before = std::exchange(idle_ns_, net::idle_ns());
  if (!before || !idle_ns_ || now_ms <= looked_ms_ || *idle_ns_ < *before) return {};
  return static_cast<double>(*idle_ns_ - *before) /
         static_cast<double>((now_ms - looked_ms_) * 1'000'000);
}

}  // namespace dunlin
