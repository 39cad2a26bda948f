#include "rules/json.hpp"

#include <cstdint>

namespace dunlin::rules {
namespace {

constexpr std::string_view hex = "0123456789abcdef";

void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

class parser {
 public:
  explicit parser(std::string_view text) : left_(text) {}

  bool eat(char c) {
    skip_space();
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }

  bool at_end() {
    skip_space();
    return left_.empty();
  }

  bool string(std::string& out) {
    if (!eat('"')) return false;
    while (!left_.empty()) {
      char c = left_.front();
      left_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

 private:
  void skip_space() {
    auto n = left_.find_first_not_of(" \t\r\n");
    left_.remove_prefix(n == std::string_view::npos ? left_.size() : n);
  }

  bool escape(std::string& out) {
    if (left_.empty()) return false;
    char c = left_.front();
    left_.remove_prefix(1);
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'u':
        return unicode(out);
      default:
        return false;
    }
  }

  bool unicode(std::string& out) {
    uint32_t c = 0;
    if (!four_digits(c) || c == 0) return false;  // U+0000 is in no MQTT string
    if (c >= 0xDC00 && c < 0xE000) return false;
    if (c >= 0xD800 && c < 0xDC00) {
      uint32_t low = 0;
      if (left_.substr(0, 2) != "\\u") return false;
      left_.remove_prefix(2);
      if (!four_digits(low) || low < 0xDC00 || low >= 0xE000) return false;
      c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, c);
    return true;
  }

  bool four_digits(uint32_t& value) {
    if (left_.size() < 4) return false;
    for (char c : left_.substr(0, 4)) {
      auto digit = hex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
      if (digit == std::string_view::npos) return false;
      value = value << 4 | static_cast<uint32_t>(digit);
    }
    left_.remove_prefix(4);
    return true;
  }

  std::string_view left_;
};

bool parse_one(parser& in, std::pair<std::string, std::string>& out) {
  bool have_key = false, have_value = false;
  if (!in.eat('{')) return false;
  do {
    std::string name;
    if (!in.string(name) || !in.eat(':')) return false;
    if (name != "key" && name != "value") return false;
    bool& have = name == "key" ? have_key : have_value;
    if (have || !in.string(name == "key" ? out.first : out.second)) return false;
    have = true;
  } while (in.eat(','));
  return in.eat('}') && have_key && have_value;
}

void append_escape(std::string& out, unsigned char c) {
  out += "\\u00";
  out += hex[c >> 4];
  out += hex[c & 15];
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte < 0x20 || byte == 0x7F) {
      append_escape(out, byte);
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F
      append_escape(out, static_cast<unsigned char>(next));
      ++i;
    } else {
      out += text[i];
    }
  }
  out += '"';
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_user_properties(
    std::string_view json) {
  std::vector<std::pair<std::string, std::string>> found;
  parser in{json};
  if (!in.eat('[')) return std::nullopt;
  if (!in.eat(']')) {
    do {
      if (!parse_one(in, found.emplace_back())) return std::nullopt;
    } while (in.eat(','));
    if (!in.eat(']')) return std::nullopt;
  }
  if (!in.at_end()) return std::nullopt;
  return found;
}

}  // namespace dunlin::rules
