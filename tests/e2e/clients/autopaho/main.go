// Eclipse Paho's autopaho (MQTT 5) driven by lines on standard input. See ../README.md.
// The version is the newest one that builds with Debian 12's Go 1.19.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

const wait = 15 * time.Second

type client struct {
	manager *autopaho.ConnectionManager
	cancel  context.CancelFunc
}

var (
	clients = map[string]*client{}
	output  sync.Mutex
)

func say(fields url.Values) {
	output.Lock()
	defer output.Unlock()
	fmt.Println(fields.Encode())
}

func number(c url.Values, key string) uint64 {
	n, _ := strconv.ParseUint(c.Get(key), 10, 32)
	return n
}

func onMessage(name string, m *paho.Publish) {
	retain := "0"
	if m.Retain {
		retain = "1"
	}
	out := url.Values{"message": {"1"}, "c": {name}, "topic": {m.Topic}, "payload": {string(m.Payload)},
		"qos": {strconv.Itoa(int(m.QoS))}, "retain": {retain}}
	if p := m.Properties; p != nil {
		if p.ContentType != "" {
			out.Set("content_type", p.ContentType)
		}
		if p.ResponseTopic != "" {
			out.Set("response_topic", p.ResponseTopic)
		}
		if p.CorrelationData != nil {
			out.Set("correlation", string(p.CorrelationData))
		}
		if p.MessageExpiry != nil {
			out.Set("expiry", strconv.FormatUint(uint64(*p.MessageExpiry), 10))
		}
		for _, u := range p.User {
			out.Add("user", u.Key+":"+u.Value)
		}
	}
	say(out)
}

func connect(c url.Values) (url.Values, error) {
	server, err := url.Parse(strings.Replace(c.Get("url"), "mqtt://", "tcp://", 1))
	if err != nil {
		return nil, err
	}
	name, up, failed := c.Get("c"), make(chan bool, 1), make(chan error, 1)
	cfg := autopaho.ClientConfig{
		BrokerUrls:        []*url.URL{server},
		KeepAlive:         60,
		ConnectRetryDelay: 100 * time.Millisecond,
		OnConnectionUp:    func(_ *autopaho.ConnectionManager, a *paho.Connack) { up <- a.SessionPresent },
		OnConnectError: func(e error) {
			select {
			case failed <- e:
			default:
			}
		},
		ClientConfig: paho.ClientConfig{
			ClientID: c.Get("id"),
			Router:   paho.NewSingleHandlerRouter(func(m *paho.Publish) { onMessage(name, m) }),
		},
	}
	if c.Has("will_topic") {
		cfg.SetWillMessage(c.Get("will_topic"), []byte(c.Get("will_payload")), byte(number(c, "will_qos")), false)
	}
	cfg.SetConnectPacketConfigurator(func(p *paho.Connect) *paho.Connect {
		p.CleanStart = c.Get("clean") == "1"
		if c.Has("session_expiry") {
			expiry := uint32(number(c, "session_expiry"))
			p.Properties = &paho.ConnectProperties{SessionExpiryInterval: &expiry}
		}
		return p
	})
	ctx, cancel := context.WithCancel(context.Background())
	manager, err := autopaho.NewConnection(ctx, cfg)
	if err != nil {
		cancel()
		return nil, err
	}
	clients[name] = &client{manager, cancel}
	select {
	case present := <-up:
		if present {
			return url.Values{"present": {"1"}}, nil
		}
		return url.Values{"present": {"0"}}, nil
	case err := <-failed:
		return nil, err
	case <-time.After(wait):
		return nil, fmt.Errorf("no connection within %s", wait)
	}
}

func publish(ctx context.Context, c url.Values) error {
	m := &paho.Publish{Topic: c.Get("topic"), Payload: []byte(c.Get("payload")), QoS: byte(number(c, "qos")),
		Retain: c.Get("retain") == "1", Properties: &paho.PublishProperties{
			ContentType: c.Get("content_type"), ResponseTopic: c.Get("response_topic")}}
	if c.Has("correlation") {
		m.Properties.CorrelationData = []byte(c.Get("correlation"))
	}
	if c.Has("expiry") {
		expiry := uint32(number(c, "expiry"))
		m.Properties.MessageExpiry = &expiry
	}
	for _, pair := range c["user"] {
		key, value, _ := strings.Cut(pair, ":")
		m.Properties.User.Add(key, value)
	}
	_, err := clients[c.Get("c")].manager.Publish(ctx, m)
	return err
}

func handle(c url.Values) (url.Values, error) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	who, out := clients[c.Get("c")], url.Values{}
	switch c.Get("op") {
	case "connect":
		return connect(c)
	case "subscribe":
		ack, err := who.manager.Subscribe(ctx, &paho.Subscribe{Subscriptions: map[string]paho.SubscribeOptions{
			c.Get("filter"): {QoS: byte(number(c, "qos"))}}})
		if err != nil {
			return nil, err
		}
		out.Set("code", strconv.Itoa(int(ack.Reasons[0])))
	case "publish":
		return out, publish(ctx, c)
	case "disconnect":
		return out, who.manager.Disconnect(ctx)
	case "forget":
		who.cancel()
	default:
		return nil, fmt.Errorf("unknown command %q", c.Get("op"))
	}
	return out, nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		c, err := url.ParseQuery(lines.Text())
		if err != nil {
			panic(err)
		}
		out, err := handle(c)
		if err != nil {
			out = url.Values{"error": {err.Error()}}
		}
		out.Set("n", c.Get("n"))
		say(out)
	}
}
