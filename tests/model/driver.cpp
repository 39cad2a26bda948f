// One random thing, done to the model and to the node.
#include "tests/model/driver.hpp"

#include <algorithm>

namespace dunlin::model {

using mqtt::packet_type;
using mqtt::reason;
using mqtt::version;

namespace {

constexpr uint32_t v3_expiry_s = 7 * 24 * 3600;
constexpr size_t big = 900, packet_max = 400;

std::string hex(unsigned n) {
  char text[4];
  std::snprintf(text, sizeof text, "%02X", n);
  return text;
}

}  // namespace

driver::driver(uint64_t seed)
    : seed_(seed), random_(seed), world_({}, 1 + seed % 2), model_(world_.now_ms()) {
  constexpr version versions[] = {version::v5,  version::v311, version::v5,
                                  version::v31, version::v5,   version::v311};
  for (size_t i = 0; i < std::size(versions); ++i) {
    auto& a = actors_.emplace_back();
    a.c = &world_.make_client("c" + std::to_string(i), versions[i]);
    a.prompt = a.c->auto_ack = i < 4;
  }
}

std::string driver::run(size_t steps) {
  for (size_t i = 0; i < steps; ++i) {
    step();
    world_.run();
    std::string fault = compare();
    if (fault.empty()) fault = world_.check_identity();
    if (!fault.empty()) return report(i, fault);
  }
  return "";
}

void driver::step() {
  actor& a = actors_[random_.below(actors_.size())];
  if (random_.one_in(20)) return advance();
  if (world_.reactors() > 1 && random_.one_in(15)) {
    const size_t n = 1 + random_.below(world_.reactors());
    note(std::to_string(n) + " reactors are used");
    return world_.use_reactors(n);
  }
  if (!model_.connected(a.id())) return connect(a);
  step_connected(a);
}

void driver::step_connected(actor& a) {
  switch (random_.below(20)) {
    case 0:
      return random_.one_in(3) ? connect(a) : disconnect(a);
    case 1:
      return lose(a);
    case 2:
    case 3:
    case 4:
      return subscribe(a);
    case 5:
    case 6:
      return unsubscribe(a);
    case 7:
      return ping(a);
    case 8:
    case 9:
    case 10:
      if (!a.prompt && !a.to_release.empty()) return send_again_or_release(a);
      [[fallthrough]];
    case 11:
    case 12:
    case 13:
      if (!a.prompt) return acknowledge(a);
      [[fallthrough]];
    default:
      return publish_some(a);
  }
}

// -- connections ----------------------------------------------------------------

connection driver::random_connection(actor& a) {
  connection c;
  c.v5 = a.v5();
  c.clean_start = random_.one_in(4);
  c.prompt = a.prompt;
  c.expiry_s = a.v5() ? any<uint32_t>({0, 7, 61, 100'001}) : c.clean_start ? 0 : v3_expiry_s;
  // One client alone, so that no two of them are lost at the same moment.
  if (&a == &actors_[0] && random_.one_in(2)) c.keep_alive_s = any<uint32_t>({3, 21});
  // What fits into a small window depends on the order of topics, which one shard alone fixes.
  if (small_window(a)) c.receive_max = 1 + random_.below(4);
  if (a.prompt && a.v5() && random_.one_in(3)) c.payload_max = packet_max;
  if (random_.one_in(2)) {
    will& w = c.last_will.emplace();
    w.what = {"w/" + a.id(), "will" + std::to_string(++next_payload_),
              static_cast<int>(random_.below(3)), random_.one_in(3)};
    if (a.v5()) w.delay_s = any<uint32_t>({0, 0, 5, 33});
    if (!a.prompt) w.what.qos = 0;  // its own may come or not: nothing to acknowledge then
    // One that a timer publishes goes out at an odd second, a tick late at the most: so that it
    // does not expire at an even one, when everything is looked at.
    if (a.v5() && random_.one_in(3))
      w.what.expiry_s = w.delay_s ? any<uint32_t>({10, 102}) : any<uint32_t>({9, 101});
  }
  return c;
}

void driver::connect(actor& a) {
  const connection c = random_connection(a);
  caf::intrusive_ptr<fakes::fake_connection> old;
  if (a.c->open()) old.reset(&a.c->connection());
  sim::connect_options o{.clean = c.clean_start,
                         .keep_alive_s = static_cast<uint16_t>(c.keep_alive_s)};
  if (a.v5()) {
    o.expiry_s = c.expiry_s;
    if (c.receive_max < 65'535) o.receive_max = static_cast<uint16_t>(c.receive_max);
    if (c.payload_max) o.packet_max = static_cast<uint32_t>(*c.payload_max);
  }
  if (c.last_will) {
    const message& m = c.last_will->what;
    auto& w = o.will.emplace();
    w.topic = m.topic, w.payload = m.payload;
    w.qos = static_cast<uint8_t>(m.qos), w.retain = m.retain;
    w.delay_interval_s = c.last_will->delay_s;
    w.props.message_expiry_interval = m.expiry_s;
  }
  note(a.id() + (old ? " takes over" : " connects") + (c.clean_start ? ", clean" : "") +
       ", expiry " + std::to_string(c.expiry_s) + ", receive max " + std::to_string(c.receive_max) +
       (c.payload_max ? ", small packets" : "") +
       (c.keep_alive_s ? ", keep-alive " + std::to_string(c.keep_alive_s) : "") +
       (c.last_will ? ", will q" + std::to_string(c.last_will->what.qos) + " delay " +
                          std::to_string(c.last_will->delay_s)
                    : ""));
  world_.begin_connect(*a.c, o, random_.below(world_.reactors()));
  const bool present = model_.connect(a.id(), c);
  if (!present) a.to_release.clear(), a.packet_ids.clear();
  a.answers.insert(std::string("connack 00") +
                   (present && a.c->version() != version::v31 ? " present" : ""));
  world_.run();
  if (old && !old->closed()) note("(the old connection of " + a.id() + " is still open)");
}

void driver::disconnect(actor& a) {
  const bool with_will = a.v5() && random_.one_in(3);
  std::optional<uint32_t> expiry;
  // Not from 0 to another one: that is a protocol error; and 0 always may be.
  if (a.v5() && random_.one_in(4)) expiry = 0;
  note(a.id() + " disconnects" + (with_will ? ", with its will" : "") +
       (expiry ? ", expiry now 0" : ""));
  a.c->disconnect(with_will ? reason::disconnect_with_will : reason::success, expiry);
  model_.disconnect(a.id(), with_will, expiry);
}

void driver::lose(actor& a) {
  note(a.id() + " is lost");
  a.c->lose();
  model_.lose(a.id());
}

void driver::ping(actor& a) {
  note(a.id() + " pings");
  a.c->ping();
  a.answers.insert("pingresp");
  model_.heard_from(a.id());
}

void driver::advance() {
  const size_t rounds = random_.one_in(10) ? 10 + random_.below(40) : 1 + random_.below(3);
  note("time: " + std::to_string(2 * rounds) + " s");
  for (size_t i = 0; i < rounds; ++i) {
    const bool before = model_.connected(actors_[0].id());
    world_.advance(2000);
    model_.advance(world_.now_ms());
    if (before && !model_.connected(actors_[0].id())) actors_[0].answers.insert("disconnect 8D");
  }
}

// -- subscriptions --------------------------------------------------------------

void driver::subscribe(actor& a) {
  const std::string shared = (&a - &actors_[0]) % 2 ? "$share/odd/$q/#" : "$share/even/$q/+";
  std::vector<mqtt::subscribe_entry> entries;
  std::deque<std::string> filters;
  std::string answer = "suback";
  const std::optional<uint32_t> id =
      a.v5() && random_.one_in(2) ? std::optional<uint32_t>(1 + random_.below(300)) : std::nullopt;
  std::string what = a.id() + " subscribes";
  for (size_t n = 1 + random_.below(3); n > 0; --n) {
    const bool share = a.prompt && random_.one_in(5);
    filters.push_back(
        share ? shared
              : any<const char*>({"a", "a/b", "a/c", "a/b/c", "#", "+", "a/#", "+/b", "a/+", "+/+",
                                  "a/+/c", "b/#", "$x/#", "$x/y", "/", "+/", "w/#", "w/c0"}));
    // The same one twice in a packet: the retained messages begin anew, so they come once.
    if (std::find(filters.begin(), filters.end() - 1, filters.back()) != filters.end() - 1) {
      filters.pop_back();
      continue;
    }
    subscription s{.qos = static_cast<int>(random_.below(3)), .id = id.value_or(0)};
    if (a.v5()) {
      s.no_local = !share && random_.one_in(3);
      s.retain_as_published = random_.one_in(3);
      // The pages of retained messages wait for acknowledgements where the window is small.
      s.retain_handling = small_window(a) ? 2 : static_cast<int>(random_.below(3));
    }
    entries.push_back({filters.back(),
                       {.qos = static_cast<uint8_t>(s.qos),
                        .no_local = s.no_local,
                        .retain_as_published = s.retain_as_published,
                        .retain_handling = static_cast<uint8_t>(s.retain_handling)}});
    answer += " " + hex(static_cast<unsigned>(s.qos));
    what += " " + filters.back() + " q" + std::to_string(s.qos) + (s.no_local ? " nl" : "") +
            (s.retain_as_published ? " rap" : "") + " rh" + std::to_string(s.retain_handling);
    model_.subscribe(a.id(), filters.back(), s);
  }
  note(what + (id ? " id " + std::to_string(*id) : ""));
  a.c->subscribe(entries, id);
  a.answers.insert(answer);
  model_.heard_from(a.id());
}

void driver::unsubscribe(actor& a) {
  const std::string filter = any<const char*>(
      {"a", "a/b", "#", "a/#", "+/b", "+/+", "a/+", "$share/odd/$q/#", "$share/even/$q/+", "w/#"});
  note(a.id() + " unsubscribes " + filter);
  a.c->unsubscribe(filter);
  const bool was = model_.unsubscribe(a.id(), filter);
  a.answers.insert(!a.v5() ? "unsuback" : was ? "unsuback 00" : "unsuback 11");
  model_.heard_from(a.id());
}

// -- publishing -----------------------------------------------------------------

message driver::random_message() {
  message m;
  m.topic = any<const char*>({"a", "a/b", "a/c", "a/b/c", "b/b", "b", "/", "$x/y", "$q/a", "$q/b",
                              "home/p2p/c1", "home/p2p/c5"});
  const bool p2p = m.topic.rfind("home", 0) == 0;
  if (!model_.shared_is_certain(m.topic)) m.topic = "a/b";
  m.payload = "n" + std::to_string(++next_payload_);
  m.qos = static_cast<int>(random_.below(3));
  m.retain = !p2p && m.topic[0] != '$' && random_.one_in(4);
  if (m.retain && random_.one_in(5)) m.payload.clear();
  if (m.topic[0] != '$' && random_.one_in(10)) m.payload.append(big, 'x');
  return m;
}

// In one read: the order of one publisher holds, and its DISCONNECT comes last. Not if a message is
// its own: whether it comes before the connection ends is open.
void driver::publish_some(actor& a) {
  bool its_own = false;
  for (size_t n = 1 + random_.below(3); n > 0; --n) its_own |= model_.receives(a.id(), publish(a));
  if (its_own || !random_.one_in(10)) return;
  a.answers_optional = true;
  disconnect(a);
}

// Returns the topic.
std::string driver::publish(actor& a) {
  message m = random_message();
  if (a.v5() && random_.one_in(4)) m.expiry_s = any<uint32_t>({3, 15, 1001});
  const uint16_t id = m.qos ? ++a.last_id : uint16_t{0};
  note(a.id() + " publishes " + m.topic + " " + m.payload.substr(0, 8) +
       (m.payload.size() > big ? "(big)" : "") + " q" + std::to_string(m.qos) +
       (m.retain ? " retain" : "") + (m.expiry_s ? " expiry " + std::to_string(*m.expiry_s) : ""));
  publish_as(a, m, id, false);
  if (m.qos == 2)
    model_.publish_once(a.id(), id, m);
  else
    model_.publish(a.id(), m);
  if (m.qos == 2 && a.prompt) model_.release(a.id(), id);
  if (m.qos == 2 && !a.prompt) a.to_release.push_back({id, m});
  expect_answers(a, m, id);
  return m.topic;
}

void driver::publish_as(actor& a, const message& m, uint16_t packet_id, bool dup) {
  mqtt::publish p;
  p.topic = m.topic;
  p.payload = m.payload;
  p.qos = static_cast<uint8_t>(m.qos);
  p.retain = m.retain;
  p.dup = dup;
  p.packet_id = packet_id;
  p.props.message_expiry_interval = m.expiry_s;
  a.c->send_publish(p);
  model_.heard_from(a.id());
}

void driver::expect_answers(actor& a, const message& m, uint16_t packet_id) {
  const std::string id = std::to_string(packet_id);
  if (m.qos == 1) a.answers.insert("puback " + id);
  if (m.qos == 2) a.answers.insert("pubrec " + id);
  if (m.qos == 2 && a.prompt) a.answers.insert("pubcomp " + id);
}

// A QoS 2 message that is not released: the same once more, perhaps on a later connection, is not a
// second one.
void driver::send_again_or_release(actor& a) {
  const unreleased u = a.to_release.front();
  if (random_.one_in(2)) {
    note(a.id() + " sends " + std::to_string(u.packet_id) + " again");
    publish_as(a, u.what, u.packet_id, true);
    model_.publish_once(a.id(), u.packet_id, u.what);
    return expect_answers(a, u.what, u.packet_id);
  }
  note(a.id() + " releases " + std::to_string(u.packet_id));
  a.to_release.pop_front();
  a.c->ack(packet_type::pubrel, u.packet_id);
  a.answers.insert("pubcomp " + std::to_string(u.packet_id));
  model_.release(a.id(), u.packet_id);
  model_.heard_from(a.id());
}

void driver::acknowledge(actor& a) {
  const auto due = model_.next_ack(a.id());
  if (due.what == server::next::none) return;
  const uint16_t id = a.packet_ids[due.serial];
  const auto type = due.what == server::next::puback   ? packet_type::puback
                    : due.what == server::next::pubrec ? packet_type::pubrec
                                                       : packet_type::pubcomp;
  note(a.id() + " acknowledges " + std::to_string(id) + " with packet type " +
       std::to_string(static_cast<int>(type)));
  a.c->ack(type, id);
  model_.acknowledge(a.id());
  model_.heard_from(a.id());
}

}  // namespace dunlin::model
