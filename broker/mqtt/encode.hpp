// Packets to bytes: every function appends one whole packet to `out`.
//
// Used by the session (server side), the load tool and tests (client side). Properties are written
// for version::v5 only; a reason code that a 3.x packet cannot carry is left out or mapped
// (CONNACK). The caller keeps the protocol's rules (a packet id with QoS > 0, strings of at most
// 65,535 bytes); they are asserted, not reported.
#pragma once

#include <string>

#include "broker/mqtt/packet.hpp"

namespace dunlin::mqtt {

void encode(const connect& p, std::string& out);
void encode(const connack& p, version v, std::string& out);
void encode(const publish& p, version v, std::string& out);
void encode(const ack& p, version v, std::string& out);
void encode(const subscribe& p, version v, std::string& out);
void encode(const suback& p, version v, std::string& out);
void encode(const unsubscribe& p, version v, std::string& out);
void encode(const unsuback& p, version v, std::string& out);
void encode(const pingreq& p, version v, std::string& out);
void encode(const pingresp& p, version v, std::string& out);
void encode(const disconnect& p, version v, std::string& out);
void encode(const auth& p, version v, std::string& out);
void encode(const packet& p, version v, std::string& out);

// The hot answer: PUBACK, PUBREC, PUBREL or PUBCOMP with a code and nothing else; four bytes when
// the code is success or the version is 3.x.
void encode_ack(packet_type type, uint16_t packet_id, reason code, version v, std::string& out);

}  // namespace dunlin::mqtt
