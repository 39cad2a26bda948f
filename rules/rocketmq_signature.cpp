#include "rules/rocketmq_signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <ctime>

namespace dunlin::rules {

rocketmq_signature sign(const rocketmq_credential& who, std::chrono::system_clock::time_point now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 24> date;
  const size_t n = std::strftime(date.data(), date.size(), "%Y%m%dT%H%M%SZ", &utc);
  rocketmq_signature out{std::string(date.data(), n), {}};

  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned int mac_bytes = 0;
  HMAC(EVP_sha1(), who.secret_key.data(), static_cast<int>(who.secret_key.size()),
       reinterpret_cast<const unsigned char*>(out.date_time.data()), out.date_time.size(),
       mac.data(), &mac_bytes);
  out.authorization =
      "MQv2-HMAC-SHA1 Credential=" + who.access_key + ", SignedHeaders=x-mq-date-time, Signature=";
  for (unsigned int i = 0; i < mac_bytes; ++i) {
    out.authorization += "0123456789ABCDEF"[mac[i] >> 4];
    out.authorization += "0123456789ABCDEF"[mac[i] & 15];
  }
  return out;
}

}  // namespace dunlin::rules
