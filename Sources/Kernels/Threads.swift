import CKernels
import Synchronization

/// The thread pool.
package enum Threads {
    /// Starts the pool with `count` threads; `nil`: one for each processor that this process may use.
    ///
    /// - Throws: where the environment names an instruction set that is unknown or that this processor lacks
    package static func start(_ count: Int?) throws(InstructionSetError) {
        dseg_start(Int32(clamping: count ?? 0))
        try InstructionSet.chooseNamed()
    }

    package static var count: Int { dseg_threads() }

    /// Runs `body` for the tasks 0 ..< `tasks` on all threads and returns when all are done.
    ///
    /// Tasks begin in their order and run concurrently: they must not write to the same memory. `thread` < ``count``
    /// numbers the threads, for buffers of their own.
    ///
    /// - Throws: the error of the first task, in their order, that threw; tasks after it may not have begun.
    package static func run<Failure: Error>(
        _ tasks: Int, _ body: (_ task: Int, _ thread: Int) throws(Failure) -> Void
    ) throws(Failure) {
        let first = FirstFailure<Failure>()
        runAll(tasks) { task, thread in
            guard first.allows(task) else { return }
            do throws(Failure) {
                try body(task, thread)
            } catch {
                first.note(error, of: task)
            }
        }
        if let error = first.error { throw error }
    }

    private static func runAll(_ tasks: Int, _ body: (Int, Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            let shared = TaskBody(run: body)
            unsafe dseg_parallel(
                tasks,
                { context, task, thread in
                    unsafe Unmanaged<TaskBody>.fromOpaque(context).takeUnretainedValue().run(task, thread)
                }, Unmanaged.passUnretained(shared).toOpaque())
            withExtendedLifetime(shared) {}
        }
    }
}

/// A closure behind one pointer, the context of a C callback.
private final class TaskBody {
    let run: (Int, Int) -> Void

    init(run: @escaping (Int, Int) -> Void) {
        self.run = run
    }
}

/// The error of the first task that threw. Tasks begin in their order and those before it run to their ends, so it is
/// the same one whatever the number of threads.
private final class FirstFailure<Failure: Error>: Sendable {
    private let first = Mutex<(task: Int, error: Failure)?>(nil)

    var error: Failure? { first.withLock { $0?.error } }

    /// Whether the task must still run.
    func allows(_ task: Int) -> Bool {
        first.withLock { first in first.map { task < $0.task } ?? true }
    }

    func note(_ error: Failure, of task: Int) {
        first.withLock { first in
            if let earlier = first, earlier.task < task { return }
            first = (task, error)
        }
    }
}
