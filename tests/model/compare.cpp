// What a client got against what the model says.
#include <algorithm>
#include <sstream>

#include "tests/model/driver.hpp"

namespace dunlin::model {

using mqtt::packet_type;

namespace {

constexpr size_t history_shown = 60;

// Order holds within one topic and QoS (section 4.6).
std::string stream_of(const std::string& topic, int qos) {
  return topic + " q" + std::to_string(qos);
}

std::string text(const copy& c) {
  std::ostringstream s;
  if (c.released) return "pubrel";
  s << c.topic << "=" << c.payload.substr(0, 10) << " q" << c.qos << (c.dup ? " dup" : "")
    << (c.retain ? " retain" : "");
  for (uint32_t id : c.ids) s << " id " << id;
  return s.str();
}

}  // namespace

std::string driver::compare() {
  left_over_.clear();
  for (auto& a : actors_)
    if (std::string fault = compare(a); !fault.empty()) return a.id() + ": " + fault;
  return compare_shared();
}

std::string driver::compare(actor& a) {
  if (!a.c->open() && model_.connected(a.id())) return "closed: " + a.c->take();
  auto got = a.c->take_packets();
  if (a.c->open() && !model_.connected(a.id())) return "still open";
  if (std::string fault = compare_copies(a, got); !fault.empty()) return fault;
  return compare_answers(a, got);
}

// Each copy that is due against the first one of its stream; what is left may be of a shared
// subscription.
std::string driver::compare_copies(actor& a, const std::vector<sim::received>& got) {
  std::map<std::string, std::deque<const sim::received*>> streams;
  for (const auto& r : got)
    if (r.type == packet_type::publish) streams[stream_of(r.topic, r.qos)].push_back(&r);
  for (const copy& want : model_.take(a.id())) {
    if (want.released) {
      if (!a.prompt) a.answers.insert("pubrel " + std::to_string(a.packet_ids[want.serial]));
      continue;
    }
    auto& stream = streams[stream_of(want.topic, want.qos)];
    if (want.maybe && (stream.empty() || stream.front()->payload != want.payload)) continue;
    if (stream.empty()) return "misses " + text(want);
    if (std::string fault = differs(want, *stream.front(), a); !fault.empty()) return fault;
    learn(a, want, *stream.front());
    stream.pop_front();
    ++copies_compared_;
  }
  for (const auto& [name, stream] : streams)
    for (const auto* r : stream) {
      if (r->topic.rfind("$q/", 0) != 0) return "got what is not due: " + r->text;
      left_over_[a.id()].push_back(*r);
    }
  return "";
}

std::string driver::differs(const copy& want, const sim::received& got, const actor& a) const {
  const std::multiset<uint32_t> ids(got.subscription_ids.begin(), got.subscription_ids.end());
  const std::string both = "due " + text(want) + ", got " + got.text.substr(0, 80);
  if (got.payload != want.payload || got.retain != want.retain || got.dup != want.dup) return both;
  if (got.topic != want.topic || got.qos != want.qos) return both;
  if (!a.v5()) return "";
  if (ids != want.ids || ids.size() != got.subscription_ids.size()) return "identifiers: " + both;
  if (got.expiry_s.has_value() != want.expires_ms.has_value()) return "expiry: " + both;
  if (!want.expires_ms) return "";
  const uint64_t left = *want.expires_ms > want.due_ms ? *want.expires_ms - want.due_ms : 0;
  const uint64_t tolerance = want.loose_expiry || left % 1000 ? 1 : 0;
  const uint64_t told = *got.expiry_s;
  if (told > left / 1000 + tolerance || told + tolerance < left / 1000)
    return "expiry " + std::to_string(told) + " for " + std::to_string(left) + " ms: " + both;
  return "";
}

// A message that comes again has the identifier that it had.
void driver::learn(actor& a, const copy& want, const sim::received& got) {
  if (want.qos == 0) return;
  if (want.dup && a.packet_ids[want.serial] != got.id)
    a.answers.insert("the identifier " + std::to_string(a.packet_ids[want.serial]) + " again");
  a.packet_ids[want.serial] = got.id;
  if (a.prompt) model_.acknowledged(a.id(), want.due_ms);
  if (a.prompt && want.qos == 2) a.answers.insert("pubrel " + std::to_string(got.id));
}

std::string driver::compare_answers(actor& a, const std::vector<sim::received>& got) {
  auto due = std::exchange(a.answers, {});
  const bool optional = std::exchange(a.answers_optional, false);
  for (const auto& r : got) {
    if (r.type == packet_type::publish) continue;
    std::string what = r.text;
    if (r.code == mqtt::reason::no_matching_subscribers) what.resize(what.size() - 3);  // a success
    auto it = due.find(what);
    if (it != due.end()) {
      due.erase(it);
    } else if (r.type == packet_type::pubrel && a.prompt) {
      left_over_[a.id()].push_back(r);  // of a shared subscription
    } else {
      return "got " + r.text + ", which is not due";
    }
  }
  if (optional) due.clear();
  return due.empty() ? "" : "misses " + *due.begin();
}

std::string driver::compare_shared() {
  for (const shared_choice& choice : model_.take_shared()) {
    size_t receivers = 0;
    std::string last;
    for (const auto& [client, want] : choice.candidates) {
      auto& got = left_over_[client];
      const actor& a = *std::find_if(actors_.begin(), actors_.end(),
                                     [&](const actor& x) { return x.id() == client; });
      auto it = std::find_if(got.begin(), got.end(), [&](const sim::received& r) {
        return r.type == packet_type::publish && differs(want, r, a).empty();
      });
      last = text(want);
      if (it == got.end()) continue;
      ++receivers;
      if (it->qos == 2)
        std::erase_if(got, [id = it->id](const sim::received& r) {
          return r.type == packet_type::pubrel && r.id == id;
        });
      it = std::find_if(got.begin(), got.end(), [&](const sim::received& r) {
        return r.type == packet_type::publish && differs(want, r, a).empty();
      });
      if (it->qos > 0) model_.acknowledged(client, want.due_ms);
      got.erase(it);
      ++copies_compared_;
    }
    if (receivers != 1) return "shared: " + std::to_string(receivers) + " members got " + last;
  }
  for (const auto& [client, got] : left_over_)
    for (const auto& r : got) return client + ": got what is not due: " + r.text;
  return "";
}

std::string driver::report(size_t at, const std::string& fault) const {
  std::ostringstream s;
  s << fault << "\n  seed " << seed_ << ", step " << at << " (DUNLIN_SEED=" << seed_
    << " repeats it); what was done:\n";
  for (size_t i = history_.size() - std::min(history_.size(), history_shown); i < history_.size();
       ++i)
    s << "    " << history_[i] << "\n";
  return s.str();
}

}  // namespace dunlin::model
