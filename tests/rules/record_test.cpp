#include "rules/record.hpp"

#include <gtest/gtest.h>

#include <random>

namespace dunlin::rules {
namespace {

// What a test compares: a device message with bytes of its own.
struct owned {
  std::string topic, payload, client_id, content_type;
  uint8_t qos = 0;
  int64_t born_ms = 0;
  std::optional<uint32_t> expiry_s;
  std::vector<std::pair<std::string, std::string>> properties;

  bool operator==(const owned&) const = default;

  device_message view() const {
    device_message m{topic, payload, client_id, qos, born_ms, expiry_s, content_type, {}};
    for (auto& [k, v] : properties) m.user_properties.emplace_back(k, v);
    return m;
  }
};
owned own(const device_message& m) {
  owned o{std::string(m.topic),
          std::string(m.payload),
          std::string(m.client_id),
          std::string(m.content_type),
          m.qos,
          m.born_ms,
          m.expiry_s,
          {}};
  for (auto& [k, v] : m.user_properties) o.properties.emplace_back(k, v);
  return o;
}
std::vector<owned> walk(std::string_view records, bool* whole) {
  std::vector<owned> all;
  *whole = for_each_record(records, [&](const device_message& m) { all.push_back(own(m)); });
  return all;
}

class some {
 public:
  explicit some(unsigned seed) : random_(seed) {}
  owned message() {
    owned o;
    o.topic = bytes(40);
    o.payload = bytes(300);
    o.client_id = bytes(20);
    if (random_() % 2) o.content_type = bytes(10);
    o.qos = random_() % 3;
    o.born_ms = static_cast<int64_t>(random_()) << 10;
    if (random_() % 2) o.expiry_s = random_();
    for (auto n = random_() % 4; n > 0; --n) o.properties.emplace_back(bytes(8), bytes(8));
    return o;
  }
  std::string bytes(size_t most) {
    std::string s(random_() % (most + 1), ' ');
    for (auto& c : s) c = static_cast<char>(random_());
    return s;
  }
  unsigned number() { return static_cast<unsigned>(random_()); }

 private:
  std::mt19937 random_;
};

TEST(Record, ComesBackAsItWas) {
  some any(1);
  std::vector<owned> in;
  std::string records;
  for (int i = 0; i < 500; ++i) append_record(in.emplace_back(any.message()).view(), records);
  bool whole = false;
  EXPECT_EQ(walk(records, &whole), in);
  EXPECT_TRUE(whole);
  EXPECT_EQ(count_records(records), 500u);
}

TEST(Record, LargestFieldsFit) {
  owned o;
  o.topic = std::string(65535, 't');
  o.client_id = std::string(65535, 'c');
  o.content_type = std::string(65535, 'y');
  o.payload = std::string(1 << 20, 'p');
  o.properties = {{std::string(65535, 'k'), std::string(65535, 'v')}, {"", ""}};
  std::string records;
  append_record(o.view(), records);
  bool whole = false;
  EXPECT_EQ(walk(records, &whole), std::vector<owned>{o});
  EXPECT_TRUE(whole);
}

TEST(Record, EveryCutIsTold) {
  some any(2);
  std::string records;
  append_record(any.message().view(), records);
  auto one = records.size();
  append_record(any.message().view(), records);
  for (size_t n = 1; n < records.size(); ++n) {
    bool whole = false;
    auto found = walk(std::string_view(records).substr(0, n), &whole);
    EXPECT_EQ(found.size(), n >= one ? 1u : 0u) << n;
    EXPECT_EQ(whole, n == one) << n;
    EXPECT_EQ(count_records(std::string_view(records).substr(0, n)).has_value(), n == one) << n;
  }
}

TEST(Record, AlteredHeaderIsTold) {
  some any(3);
  std::string records;
  append_record(any.message().view(), records);
  int missed = 0;
  for (size_t bit = 0; bit < 24 * 8; ++bit) {
    auto altered = records;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ 1 << bit % 8);
    bool whole = false;
    walk(altered, &whole);
    missed += whole;
  }
  EXPECT_EQ(missed, 0);
}

// The walk of anything at all ends, and gives only bytes that are there (the address sanitizer
// looks).
TEST(Record, NoiseIsNeverReadPast) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    some any(seed);
    std::string records;
    for (int i = 0; i < 3; ++i) append_record(any.message().view(), records);
    for (auto n = 1 + any.number() % 5; n > 0; --n) {
      records[any.number() % records.size()] = static_cast<char>(any.number());
    }
    std::string exact(records.data(), records.size());
    size_t bytes = 0;
    for_each_record(exact, [&](const device_message& m) {
      bytes += m.topic.size() + m.payload.size() + m.client_id.size() + m.content_type.size();
      for (auto& [k, v] : m.user_properties) bytes += k.size() + v.size();
    });
    EXPECT_LE(bytes, exact.size()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace dunlin::rules
