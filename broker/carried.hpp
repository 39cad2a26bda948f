// What a mailbox element carries, without CAF's pattern matching: a virtual consume() of an actor
// that gets one kind of message all the time looks for it first.
//
//   if (auto* d = carried<deliver>(m)) return current_element_ = &m, on_deliver(*d), done;
// CAF compares a message with one handler after the other, wraps it, and makes a promise for the
// answer: about 250 instructions. Only for what is told, never asked: nothing is answered.
#pragma once

#include <caf/mailbox_element.hpp>

#include <tuple>
#include <typeinfo>

namespace dunlin {

// Null: it carries something else, or shares it with other receivers.
template <class T>
T* carried(caf::mailbox_element& m) {
  using exactly = caf::mailbox_element_vals<T>;
  return &typeid(m) == &typeid(exactly) ? &std::get<0>(static_cast<exactly&>(m).data()) : nullptr;
}

}  // namespace dunlin
