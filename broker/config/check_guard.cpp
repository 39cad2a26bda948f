#include "broker/config/check_guard.hpp"

#include "broker/config/utc.hpp"
#include "broker/guard/address.hpp"

namespace dunlin::configuration {
namespace {

void check_ban(const checker& k, const proto::Ban& b, const std::string& path) {
  const int named = !b.client_id().empty() + !b.user_name().empty() + !b.address().empty();
  if (named != 1)
    k.fault(path, named == 0 ? "says nobody" : "says more than one",
            "give one of client_id, user_name and address");
  if (!b.address().empty() && !guard::parse_network(b.address()))
    k.fault(path + ".address", '"' + b.address() + "\" is not an address or a network",
            "write \"10.1.2.3\", \"10.0.0.0/8\" or \"2001:db8::/32\"");
  if (!b.until().empty() && !parse_utc(b.until()))
    k.fault(path + ".until", '"' + b.until() + "\" is not a time",
            "write \"2027-01-31\" or \"2027-01-31T12:00:00Z\"");
}

void check_overload(const checker& k) {
  const auto& o = k.config.overload();
  const auto below = [&](const char* low, const char* high, uint64_t l, uint64_t h) {
    const std::string low_key = std::string("overload.") + low;
    const std::string high_key = std::string("overload.") + high;
    if (l != 0 && h != 0 && l > h)
      k.fault(k.given(low_key) ? low_key : high_key, std::string(low) + " (" + std::to_string(l) +
                                                         ") is above " + high + " (" +
                                                         std::to_string(h) + ")");
  };
  below("memory_high_percent", "memory_critical_percent", o.memory_high_percent(),
        o.memory_critical_percent());
  below("memory_high_bytes", "memory_critical_bytes", o.memory_high_bytes(),
        o.memory_critical_bytes());
  if (o.memory_critical_bytes() && !o.memory_high_bytes())
    k.fault("overload.memory_critical_bytes", "is given without memory_high_bytes", "set both");
}

}  // namespace

void check_guard(const checker& k) {
  const auto& g = k.config.guard();
  for (int i = 0; i < g.bans_size(); ++i)
    check_ban(k, g.bans(i), "guard.bans." + std::to_string(i));
  if (static_cast<uint32_t>(g.bans_size()) > g.bans_max())
    k.fault("guard.bans_max", "is below the number of guard.bans");
  check_overload(k);
}

}  // namespace dunlin::configuration
