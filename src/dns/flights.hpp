// Flights: look-ups that ask servers at the moment. One that would ask the same joins it.
// Thread-safe.
//
// The first look-up for a question leads: it asks, and gives its answers to those that have joined.
// If it is cancelled or fails without an answer, those go on by themselves, and one of them leads.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>
#include <weft/atomic.hpp>
#include <weft/manual_reset_event.hpp>

#include "dns/answer.hpp"

namespace weft::inline v0_1::dns {

struct Flight {
  ManualResetEvent has_ended;
  Answers answers;  // written before has_ended is set; empty: the look-up that led got none
};

class Flights {
 public:
  /// Joins the flight for `question`, or begins it. The destructor of one that leads ends it.
  class Seat {
   public:
    Seat(Flights& flights, std::string question)
        : flights_(flights), question_(std::move(question)) {
      const std::lock_guard lock(flights_.mutex_);
      std::shared_ptr<Flight>& flight = flights_.flights_[question_];
      leads_ = flight == nullptr;
      if (leads_) flight = std::make_shared<Flight>();
      flight_ = flight;
    }
    ~Seat() {
      if (!leads_) return;
      {
        const std::lock_guard lock(flights_.mutex_);
        flights_.flights_.erase(question_);
      }
      flight_->has_ended.set();
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    [[nodiscard]] bool leads() const noexcept { return leads_; }
    [[nodiscard]] Flight& flight() const noexcept { return *flight_; }

   private:
    Flights& flights_;
    const std::string question_;
    bool leads_ = false;
    std::shared_ptr<Flight> flight_;
  };

 private:
  ThreadMutex mutex_;
  std::map<std::string, std::shared_ptr<Flight>> flights_;  // guarded by mutex_
};

}  // namespace weft::inline v0_1::dns
