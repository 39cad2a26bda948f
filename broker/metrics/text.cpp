#include "broker/metrics/text.hpp"

#include <charconv>
#include <cmath>

namespace dunlin::metrics {

namespace {

void escape(std::string& out, std::string_view s, bool in_label) {
  for (const char c : s) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\\' || (in_label && c == '"'))
      out.append("\\").append(1, c);
    else
      out += c;
  }
}

}  // namespace

void text_writer::family(std::string_view name, metric_type type, std::string_view help) {
  name_ = name;
  out_.append("# HELP ").append(name).append(" ");
  escape(out_, help, false);
  out_.append("\n# TYPE ")
      .append(name)
      .append(type == metric_type::counter ? " counter\n" : " gauge\n");
}

void text_writer::start(const labels& l) {
  out_ += name_;
  for (size_t i = 0; i < l.size(); ++i) {
    out_.append(i == 0 ? "{" : ",").append(l[i].first).append("=\"");
    escape(out_, l[i].second, true);
    out_ += '"';
  }
  if (!l.empty()) out_ += '}';
  out_ += ' ';
}

void text_writer::sample(const labels& l, double value) {
  start(l);
  char text[32];
  if (!std::isfinite(value)) {
    out_ += std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  } else {
    const auto end = std::to_chars(text, text + sizeof text, value)
                         .ptr;  // the shortest that reads back the same
    out_.append(text, static_cast<size_t>(end - text));
  }
  out_ += '\n';
}

void text_writer::sample(const labels& l, int64_t value) {
  start(l);
  out_.append(std::to_string(value)).append("\n");
}

}  // namespace dunlin::metrics
