// Passwords, and enhanced authentication by AUTH packets (MQTT 5.0 sections 3.1.3.5, 3.15, 4.12;
// RFC 5802, RFC 7677).
#include "broker/access/crypto.hpp"
#include "broker/access/scram.hpp"
#include "tests/fakes/scram_client.hpp"
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using fakes::scram_client;
using mqtt::reason;

class EnhancedAuthentication : public SimTest {
 protected:
  world& start_with_users(bool anonymous = false) {
    world& w = start();
    w.change_settings([anonymous](settings& s) {
      auto t = std::make_shared<access::user_table>("a secret");
      t->add_password("ann", "secret");
      t->add_password("bob", "other");
      s.users = t;
      s.anonymous = anonymous;
    });
    return w;
  }
  // CONNECT with the method; answers the server's challenge.
  std::string begin(client& c, const scram_client& user, bool clean = true) {
    connect_options o;
    o.clean = clean;
    first_ = user.first();
    o.props.authentication_method = access::scram_method;
    o.props.authentication_data = first_;
    world_->connect(c, o);
    return challenge(c);
  }
  std::string challenge(client& c) {
    const auto got = c.take_packets();
    if (got.empty() || got.back().text != "auth 18") return got.empty() ? "" : got.back().text;
    const std::string& p = got.back().properties;
    EXPECT_EQ(p.find("method=SCRAM-SHA-256 data=r="), 0u) << p;
    return p.substr(p.find("data=") + 5);
  }
  void auth(client& c, reason code, std::string_view data,
            std::string_view method = access::scram_method) {
    mqtt::auth a;
    a.code = code;
    a.props.authentication_method = method;
    a.props.authentication_data = data;
    c.send(a);
    world_->run();
  }
  client& logged_in(const std::string& id = "c", const scram_client& user = {}) {
    client& c = world_->make_client(id);
    auth(c, begin(c, user), user);
    EXPECT_EQ(c.take(), "connack 00");
    return c;
  }
  void auth(client& c, const std::string& server_first, const scram_client& user) {
    auth(c, reason::continue_authentication, user.final(server_first));
  }

  std::string first_;
};

TEST_F(EnhancedAuthentication, MQTT_4_12_0_2_TheServerAsksForMoreWith0x18) {
  start_with_users();
  client& c = world_->make_client("c");
  const scram_client ann;
  const std::string challenge = begin(c, ann);
  EXPECT_EQ(challenge.find("r=" + ann.nonce), 0u);
  EXPECT_NE(challenge.find(",i=4096"), std::string::npos);
  auth(c, challenge, ann);
  // [MQTT-4.12.0-5]: CONNACK names the method; its data proves that the server knows the password.
  const auto got = c.take_packets();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].text, "connack 00");
  EXPECT_NE(got[0].properties.find("method=SCRAM-SHA-256 data=v="), std::string::npos);
  c.ping();
  world_->run();
  EXPECT_EQ(c.take(), "pingresp");
}

TEST_F(EnhancedAuthentication, MQTT_4_12_0_1_AMethodThatTheServerDoesNotHaveIs0x8C) {
  start_with_users();
  client& c = world_->make_client("c");
  connect_options o;
  o.props.authentication_method = "SCRAM-SHA-1";
  world_->connect(c, o);
  EXPECT_EQ(c.take(), "connack 8C; closed");
}

TEST_F(EnhancedAuthentication, MQTT_4_12_0_4_AWrongPasswordEndsIt_AsAnUnknownNameDoes) {
  start_with_users();
  std::string salt;
  for (const char* name : {"ann", "nobody", "nobody"}) {
    client& c = world_->make_client("c");
    const scram_client wrong{name, "guess"};
    const std::string challenge = begin(c, wrong);
    const std::string here = challenge.substr(challenge.find(",s="));
    if (std::string(name) == "nobody") {
      EXPECT_TRUE(salt.empty() || salt == here) << "the salt of a name that is none stays the same";
      salt = here;
    }
    auth(c, challenge, wrong);
    EXPECT_EQ(c.take(), "connack 87; closed");
  }
}

TEST_F(EnhancedAuthentication, MQTT_4_12_0_3_AnythingButContinueIsAProtocolError) {
  start_with_users();
  client& c = world_->make_client("c");
  begin(c, {});
  auth(c, reason::reauthenticate, "x");
  EXPECT_EQ(c.take(), "connack 82; closed");
}

TEST_F(EnhancedAuthentication, MQTT_4_12_0_5_TheMethodStaysTheSame) {
  start_with_users();
  client& c = world_->make_client("c");
  begin(c, {});
  auth(c, reason::continue_authentication, "x", "OTHER");
  EXPECT_EQ(c.take(), "connack 82; closed");
}

TEST_F(EnhancedAuthentication, MQTT_3_1_2_30_OnlyAuthAndDisconnectBeforeConnack) {
  start_with_users();
  client& c = world_->make_client("c");
  begin(c, {});
  c.ping();
  world_->run();
  EXPECT_EQ(c.take(), "connack 82; closed");
  client& d = world_->make_client("d");
  begin(d, {});
  d.disconnect();
  world_->run();
  EXPECT_EQ(d.take(), "closed");
}

TEST_F(EnhancedAuthentication, MQTT_4_12_0_6_AuthWithoutAMethodInConnectIsAProtocolError) {
  start_with_users(true);
  client& c = ready("c");
  auth(c, reason::reauthenticate, "x");
  EXPECT_EQ(c.take(), "disconnect 82; closed");
}

TEST_F(EnhancedAuthentication, ASlowExchangeEndsWithTheConnectTimeout) {
  start_with_users();
  client& c = world_->make_client("c");
  begin(c, {});
  world_->advance(10'200);
  EXPECT_EQ(c.take(), "closed");
}

TEST_F(EnhancedAuthentication, WhatIsNotScramIsRefused) {
  start_with_users();
  for (const char* first : {"", "n,,", "p=tls-unique,,n=ann,r=x", "n,a=bob,n=ann,r=x",
                            "n,,r=x,n=ann", "n,,n=ann,r=", "n,,n=,r=x", "n,,n=a=2X,r=x"}) {
    client& c = world_->make_client("c");
    connect_options o;
    o.props.authentication_method = access::scram_method;
    o.props.authentication_data = first;
    world_->connect(c, o);
    EXPECT_EQ(c.take(), "connack 87; closed") << first;
  }
  for (const char* last : {"", "c=biws,r=x", "c=biws,r=x,p=", "c=biws,r=x,p=AAAA", ",p="}) {
    client& c = world_->make_client("c");
    begin(c, {});
    auth(c, reason::continue_authentication, last);
    EXPECT_EQ(c.take(), "connack 87; closed") << last;
  }
}

TEST_F(EnhancedAuthentication, MQTT_4_12_1_1_AClientAuthenticatesAgainByTheSameMethod) {
  start_with_users();
  client& c = logged_in();
  const scram_client again{"ann", "secret", "another"};
  auth(c, reason::reauthenticate, again.first());
  const std::string server_first = challenge(c);
  c.ping();  // what goes on meanwhile goes on as before
  world_->run();
  EXPECT_EQ(c.take(), "pingresp");
  auth(c, server_first, again);
  const auto got = c.take_packets();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].text, "auth 00");
  EXPECT_EQ(got[0].properties.find("method=SCRAM-SHA-256 data=v="), 0u);
  auth(c, reason::reauthenticate, again.first(), "OTHER");
  EXPECT_EQ(c.take(), "disconnect 82; closed");
}

TEST_F(EnhancedAuthentication, MQTT_4_12_1_2_AFailedReauthenticationEndsTheConnection) {
  start_with_users();
  client& c = logged_in();
  const scram_client wrong{"ann", "guess"};
  auth(c, reason::reauthenticate, wrong.first());
  auth(c, challenge(c), wrong);
  EXPECT_EQ(c.take(), "disconnect 87; closed");
  client& d = logged_in("d");
  auth(d, reason::reauthenticate, scram_client{"bob", "other"}.first());
  EXPECT_EQ(d.take(), "disconnect 87; closed") << "it stays who it was";
  client& e = logged_in("e");
  auth(e, reason::continue_authentication, "x");
  EXPECT_EQ(e.take(), "disconnect 82; closed");
}

TEST_F(EnhancedAuthentication, Clause_3_1_3_5_PasswordsOfEveryVersion) {
  start_with_users();
  struct row {
    mqtt::version v;
    const char *name, *password, *answer;
  };
  const row rows[] = {{v5, "ann", "secret", "connack 00"},
                      {v311, "ann", "secret", "connack 00"},
                      {v31, "bob", "other", "connack 00"},
                      {v5, "ann", "guess", "connack 86; closed"},
                      {v311, "ann", "guess", "connack 86; closed"},  // return code 4
                      {v31, "nobody", "secret", "connack 86; closed"},
                      {v5, "ann", nullptr, "connack 86; closed"},
                      {v5, nullptr, nullptr, "connack 87; closed"},
                      {v311, nullptr, nullptr, "connack 87; closed"}};  // return code 5
  int n = 0;
  for (const row& r : rows) {
    client& c = world_->make_client("c" + std::to_string(++n), r.v);
    connect_options o;
    if (r.name) o.user_name = r.name;
    if (r.password) o.password = r.password;
    world_->connect(c, o);
    EXPECT_EQ(c.take(), r.answer) << n;
  }
}

TEST_F(EnhancedAuthentication, UsersChangeWithTheSettings) {
  start_with_users();
  world_->change_settings([](settings& s) {
    auto t = std::make_shared<access::user_table>("a secret");
    t->add_verifier("ann", access::make_verifier("new", "salt", 4096));
    s.users = t;
  });
  for (const char* password : {"secret", "new"}) {
    client& c = world_->make_client("c");
    connect_options o;
    o.user_name = "ann";
    o.password = password;
    world_->connect(c, o);
    EXPECT_EQ(c.take(), password == std::string("new") ? "connack 00" : "connack 86; closed");
  }
  logged_in("d", {"ann", "new"});
}

}  // namespace
}  // namespace dunlin::sim
