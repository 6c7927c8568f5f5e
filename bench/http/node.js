// The subject node of `bench/run http`: see weft.cpp, whose arguments and answers it has.
'use strict';
const {constants} = require('crypto');
const fs = require('fs');
const path = require('path');

const [, , , listen, , files, , certificate, key] = process.argv;
const [host, port] = listen.split(':');

function text(response) {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Content-Length', 1);
  response.end('x');
}

function sendFile(name, response) {
  fs.stat(name, (error, status) => {
    if (error) {
      response.statusCode = 404;
      response.end();
      return;
    }
    response.setHeader('Content-Type', 'application/octet-stream');
    response.setHeader('Content-Length', status.size);
    fs.createReadStream(name).pipe(response);
  });
}

function answer(request, response) {
  if (request.method === 'POST') {
    request.on('end', () => text(response)).resume();
  } else if (request.url.startsWith('/file/')) {
    sendFile(path.join(files, path.basename(request.url)), response);
  } else {
    text(response);
  }
}

const server = certificate === undefined ?
    require('http').createServer(answer) :
    require('https').createServer(
        {
          cert: fs.readFileSync(certificate),
          key: fs.readFileSync(key),
          secureOptions: constants.SSL_OP_NO_TICKET,
        },
        answer);
server.keepAliveTimeout = 75000;
server.listen({host, port: Number(port), backlog: 4096}, () => {
  console.log(`listening on ${host}:${server.address().port}`);
});
