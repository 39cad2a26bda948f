// MQTT.js driven from outside, in Node and in a browser: makeDriver(mqtt, emit) -> handle(line). See ../README.md.
function makeDriver(mqtt, emit) {
  const clients = {};
  const PROPERTIES = {content_type: 'contentType', response_topic: 'responseTopic'};
  const say = (fields) => emit(new URLSearchParams(fields).toString());

  function onMessage(name, topic, payload, packet) {
    const fields = [['message', '1'], ['c', name], ['topic', topic], ['payload', payload.toString()],
      ['qos', packet.qos], ['retain', packet.retain ? 1 : 0]];
    const p = packet.properties || {};
    for (const [ours, theirs] of Object.entries(PROPERTIES)) if (p[theirs] !== undefined) fields.push([ours, p[theirs]]);
    if (p.correlationData) fields.push(['correlation', p.correlationData.toString()]);
    if (p.messageExpiryInterval !== undefined) fields.push(['expiry', p.messageExpiryInterval]);
    for (const [key, values] of Object.entries(p.userProperties || {}))
      for (const value of [].concat(values)) fields.push(['user', `${key}:${value}`]);
    say(fields);
  }

  function connect(c) {
    const version = Number(c.get('version'));
    const options = {protocolVersion: version, protocolId: version === 3 ? 'MQIsdp' : 'MQTT', clientId: c.get('id'),
      clean: c.get('clean') === '1', keepalive: 60, reconnectPeriod: 0, resubscribe: false, connectTimeout: 10000};
    if (version === 5 && c.has('session_expiry')) options.properties = {sessionExpiryInterval: Number(c.get('session_expiry'))};
    if (c.has('will_topic'))
      options.will = {topic: c.get('will_topic'), payload: c.get('will_payload'), qos: Number(c.get('will_qos')), retain: false};
    return new Promise((done, failed) => {
      const client = mqtt.connect(c.get('url'), options);
      clients[c.get('c')] = client;
      client.on('message', (topic, payload, packet) => onMessage(c.get('c'), topic, payload, packet));
      client.on('error', failed);
      client.on('connect', (connack) => done({present: connack.sessionPresent ? 1 : 0}));
    });
  }

  function publish(c) {
    const options = {qos: Number(c.get('qos')), retain: c.get('retain') === '1'};
    const p = {};
    for (const [ours, theirs] of Object.entries(PROPERTIES)) if (c.has(ours)) p[theirs] = c.get(ours);
    if (c.has('correlation')) p.correlationData = c.get('correlation');
    if (c.has('expiry')) p.messageExpiryInterval = Number(c.get('expiry'));
    for (const pair of c.getAll('user')) {
      const [key, value] = pair.split(':');
      p.userProperties = p.userProperties || {};
      p.userProperties[key] = (p.userProperties[key] || []).concat(value);
    }
    if (Object.keys(p).length) options.properties = p;
    return clients[c.get('c')].publishAsync(c.get('topic'), c.get('payload'), options).then(() => ({}));
  }

  const commands = {
    connect, publish,
    subscribe: (c) => clients[c.get('c')].subscribeAsync(c.get('filter'), {qos: Number(c.get('qos'))})
      .then((granted) => ({code: granted[0].qos})),
    disconnect: (c) => clients[c.get('c')].endAsync().then(() => ({})),
    forget: async (c) => { clients[c.get('c')].end(true); return {}; },
  };
  return async function handle(line) {
    const c = new URLSearchParams(line);
    try {
      say({n: c.get('n'), ...await commands[c.get('op')](c)});
    } catch (e) {
      say({n: c.get('n'), error: String(e && e.message || e)});
    }
  };
}
if (typeof module !== 'undefined') module.exports = makeDriver;
