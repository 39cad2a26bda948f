// MQTT.js in Node.
const path = require('path');
const {createRequire} = require('module');
const mqtt = createRequire(path.join(process.argv[2], 'package.json'))('mqtt');
const handle = require('./driver.js')(mqtt, (line) => process.stdout.write(line + '\n'));
require('readline').createInterface({input: process.stdin}).on('line', handle).on('close', () => process.exit(0));
