// The text of one log line, without its time. Pure: log.cpp writes it, tests read it.
//
//   text: info client_connected client_id=c1 why="two words"
//   json: "level":"info","event":"client_connected","client_id":"c1","why":"two words"
//
// What a peer sent can neither break a line nor forge one: in text a value with anything but plain
// characters is quoted, control bytes and bytes that are not UTF-8 are written \xNN; JSON escapes
// the former and replaces the latter by U+FFFD.
#pragma once

#include <string>
#include <string_view>

#include "base/log.hpp"

namespace dunlin::log {

std::string_view name_of(level l);
std::string render(format f, level l, std::string_view event, fields values);

}  // namespace dunlin::log
