// libxl's asynchronous operations under way. libxl knows each by a number only (ao_how.for_event)
// and tells of its end by an event (OPERATION_COMPLETE); whose it is stays here.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>

#include "libxl.hpp"
#include "log.hpp"

namespace summond::xen {

class Operation {
  public:
    virtual ~Operation() = default;
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

  protected:
    Operation() = default;
    // For the call that begins libxl's part.
    libxl_asyncop_how how() const { return {nullptr, {.for_event = id_}}; }
    // libxl's part is over, if ended has not been called yet.
    bool is_over() const { return over_; }

    ErrorSink errors_{};

  private:
    friend class Operations;
    // libxl's part is over, with this result. From io's loop, never from inside libxl.
    virtual void ended(int rc) = 0;

    libxl_ev_user id_ = 0;
    bool over_ = false;
};

class Operations {
  public:
    // each_end: called whenever one has been taken.
    Operations(boost::asio::io_context& io, std::function<void()> each_end)
        : io_(io), each_end_(std::move(each_end)) {}

    // Kept until it is taken.
    template <typename T>
    T& add(std::unique_ptr<T> operation) {
        Operation& base = *operation;
        base.id_ = ++last_id_;
        T& added = *operation;
        all_[base.id_] = std::move(operation);
        return added;
    }
    // Of an operation of which nothing is under way any more. By itself, at its end.
    std::unique_ptr<Operation> take(const Operation& operation);
    // libxl tells that one has ended, perhaps from inside the call that began it; or that call has
    // failed, and it will not tell.
    void over(libxl_ev_user id, int rc);
    void over(const Operation& operation, int rc) { over(operation.id_, rc); }

    bool none() const { return all_.empty(); }

  private:
    boost::asio::io_context& io_;
    std::function<void()> each_end_;
    libxl_ev_user last_id_ = 0;
    std::map<libxl_ev_user, std::unique_ptr<Operation>> all_;
};

}  // namespace summond::xen
