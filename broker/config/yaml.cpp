#include "broker/config/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

namespace dunlin::configuration {

namespace {

// Builds the tree from the parser's events: these carry a place for everything, which YAML::Node
// does not.
class builder : public YAML::EventHandler {
 public:
  builder(std::string source, faults& wrong) : source_(std::move(source)), wrong_(wrong) {}
  node take() { return std::move(root_); }
  bool broken() const { return broken_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(mark, node::kind::null, {}); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fault(mark, "aliases (*name) are not supported", "write the value out");
    add(mark, node::kind::null, {});
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    add(mark, node::kind::scalar, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, node::kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, node::kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct level {
    node value;
    bool has_key = false;
    std::string key;
    place key_where;
  };

  place at(const YAML::Mark& m) const {
    return m.line < 0 ? place{source_, 1, 1} : place{source_, m.line + 1, m.column + 1};
  }
  void fault(const YAML::Mark& m, std::string_view what, std::string_view hint) {
    wrong_.add(at(m), path(), what, hint);
    broken_ = true;
  }
  std::string path() const {
    std::vector<std::string> parts;
    for (const auto& l : open_) {
      if (l.value.what == node::kind::list)
        parts.push_back(std::to_string(l.value.members.size()));
      else if (l.has_key)
        parts.push_back(l.key);
    }
    return join(parts, ".");
  }
  bool at_key() const {
    return !open_.empty() && open_.back().value.what == node::kind::map && !open_.back().has_key;
  }
  void add(const YAML::Mark& mark, node::kind kind, const std::string& text) {
    if (at_key()) {
      if (kind == node::kind::null) fault(mark, "a key is missing", "write key: value");
      take_key(mark, text);
      return;
    }
    node n;
    n.what = kind;
    n.text = text;
    n.where = at(mark);
    put(std::move(n));
  }
  void take_key(const YAML::Mark& mark, const std::string& text) {
    auto& l = open_.back();
    if (const node* before = l.value.find(text))
      wrong_.add(at(mark), (path().empty() ? "" : path() + ".") + text, "this key is given twice",
                 "it is also in line " + std::to_string(before->key_where.line));
    l.has_key = true;
    l.key = text;
    l.key_where = at(mark);
  }
  void open(const YAML::Mark& mark, node::kind kind) {
    if (at_key()) {
      fault(mark, "a key must be a word, not a list or a map", "write key: value");
      take_key(mark, "?");
    }
    if (open_.size() == depth_max) {
      fault(mark, "lists and maps are nested too deeply", "the configuration has at most 3 levels");
      throw YAML::ParserException(mark, "too deep");
    }
    level l;
    l.value.what = kind;
    l.value.where = at(mark);
    open_.push_back(std::move(l));
  }
  void close() {
    node n = std::move(open_.back().value);
    open_.pop_back();
    put(std::move(n));
  }
  void put(node n) {
    if (open_.empty()) {
      root_ = std::move(n);
      return;
    }
    auto& l = open_.back();
    n.key_where = l.has_key ? l.key_where : n.where;
    l.value.members.emplace_back(std::move(l.key), std::move(n));
    l.has_key = false;
    l.key.clear();
  }

  std::string source_;
  faults& wrong_;
  bool broken_ = false;
  std::vector<level> open_;
  node root_;
};

}  // namespace

node parse_yaml(const std::string& text, const std::string& source, faults& wrong) {
  builder b(source, wrong);
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    const bool some = parser.HandleNextDocument(b);
    node tree = b.take();
    if (some && !b.broken()) {
      builder second(source, wrong);
      if (parser.HandleNextDocument(second))
        wrong.add(second.take().where, "", "a second document starts here", "remove the line ---");
    }
    return tree;
  } catch (const YAML::Exception& e) {
    if (!b.broken())
      wrong.add({source, e.mark.line < 0 ? 1 : e.mark.line + 1,
                 e.mark.column < 0 ? 1 : e.mark.column + 1},
                "", "this is not YAML: " + e.msg,
                "look at the indentation, and quote values with \": \" in them");
  } catch (const std::exception& e) {
    wrong.add({source, 1, 1}, "", std::string("cannot be read: ") + e.what());
  }
  return {};
}

}  // namespace dunlin::configuration
