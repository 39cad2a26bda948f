// MQTT.js in headless Chromium, over the DevTools protocol: chromium.js MODULES CHROMIUM PAGE_URL PROFILE_FOLDER
const {spawn} = require('child_process');
const path = require('path');
const {createRequire} = require('module');
const [modules, chromium, page, profile] = process.argv.slice(2);
const {WebSocket} = createRequire(path.join(modules, 'package.json'))('ws');

const browser = spawn(chromium, ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps',
  '--disable-extensions', '--disable-dev-shm-usage', '--no-pings', `--user-data-dir=${profile}`,
  '--remote-debugging-address=127.0.0.1', '--remote-debugging-port=0', 'about:blank'], {stdio: ['ignore', 'ignore', 'pipe']});
process.on('exit', () => browser.kill('SIGKILL'));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit(1));
browser.on('exit', (code) => { console.error(`chromium ended with ${code}`); process.exit(1); });

let seen = '', started = false;
browser.stderr.on('data', (data) => {
  seen += data;
  const found = /DevTools listening on (ws:\/\/\S+)/.exec(seen);
  if (found && !started) { started = true; run(found[1]).catch((e) => { console.error(e); process.exit(1); }); }
});

async function run(url) {
  const socket = new WebSocket(url), waiting = {};
  let last = 0, session;
  await new Promise((done, failed) => { socket.on('open', done); socket.on('error', failed); });
  const call = (method, params = {}) => new Promise((done, failed) => {
    waiting[++last] = {done, failed};
    socket.send(JSON.stringify({id: last, method, params, ...(session && {sessionId: session})}));
  });
  let loaded;
  const ready = new Promise((done) => { loaded = done; });
  socket.on('message', (raw) => {
    const m = JSON.parse(raw);
    if (m.id && waiting[m.id]) m.error ? waiting[m.id].failed(new Error(m.error.message)) : waiting[m.id].done(m.result);
    if (m.method === 'Runtime.bindingCalled') process.stdout.write(m.params.payload + '\n');
    if (m.method === 'Page.loadEventFired') loaded();
  });
  const {targetId} = await call('Target.createTarget', {url: 'about:blank'});
  session = (await call('Target.attachToTarget', {targetId, flatten: true})).sessionId;
  await call('Page.enable');
  await call('Runtime.enable');
  await call('Runtime.addBinding', {name: 'emit'});
  await call('Page.navigate', {url: page});
  await ready;
  require('readline').createInterface({input: process.stdin})
    .on('line', (line) => call('Runtime.evaluate', {expression: `handle(${JSON.stringify(line)})`}))
    .on('close', () => process.exit(0));
}
