#include "broker/api/router.hpp"

#include <exception>
#include <set>

#include "base/log.hpp"

namespace dunlin::api {

namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const size_t n = path.find('/');
    out.push_back(path.substr(0, n));
    if (n == std::string_view::npos) return out;
    path.remove_prefix(n + 1);
  }
}

response not_allowed(const std::set<std::string>& methods) {
  std::string allow;
  for (const auto& m : methods) allow += (allow.empty() ? "" : ", ") + m;
  auto r = error_response(405, "this path does not take that method", "it takes: " + allow);
  r.headers.emplace_back("Allow", allow);
  return r;
}

}  // namespace

void router::add(std::string method, std::string_view pattern, handler h) {
  route r{std::move(method), {}, std::move(h)};
  for (const auto p : split(pattern)) {
    const bool parameter = p.starts_with('{') && p.ends_with('}');
    r.parts.push_back({parameter, std::string(parameter ? p.substr(1, p.size() - 2) : p)});
  }
  routes_.push_back(std::move(r));
}

std::optional<size_t> router::match(const route& r, const std::vector<std::string_view>& path) {
  if (r.parts.size() != path.size()) return {};
  size_t literal = 0;
  for (size_t i = 0; i < path.size(); ++i) {
    if (r.parts[i].parameter ? path[i].empty() : r.parts[i].text != path[i]) return {};
    literal += !r.parts[i].parameter;
  }
  return literal;
}

void router::dispatch(request r, respond done) const {
  const auto path = split(r.path);
  const std::string method = r.method == "HEAD" ? "GET" : r.method;
  const route* best = nullptr;
  size_t best_literal = 0;
  std::set<std::string> methods;
  for (const auto& candidate : routes_) {
    const auto literal = match(candidate, path);
    if (!literal) continue;
    methods.insert(candidate.method);
    if (candidate.method != method || (best != nullptr && *literal <= best_literal)) continue;
    best = &candidate;
    best_literal = *literal;
  }
  if (best == nullptr) {
    if (!methods.empty()) return done(not_allowed(methods));
    return done(
        error_response(404, "there is nothing at " + r.path, "GET /api/v1 lists what there is"));
  }
  for (size_t i = 0; i < path.size(); ++i) {
    if (!best->parts[i].parameter) continue;
    auto value = percent_decode(path[i], false);
    if (!value)
      return done(error_response(400, "a % in the path is not followed by two hex digits"));
    r.parameters[best->parts[i].text] = std::move(*value);
  }
  try {
    best->run(r, done);
  } catch (const std::exception& e) {
    log::error("api_handler_failed", {{"path", r.path}, {"error", e.what()}});
    done(error_response(500, "the request failed inside the node"));
  }
}

}  // namespace dunlin::api
