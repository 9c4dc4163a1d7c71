import CKernels
import Synchronization

/// Who computes.
package enum Threads {
    /// Starts the pool: as many threads as `count`, or as this process may use processors.
    ///
    /// - Throws: where the environment names an instruction set that there is not
    package static func start(_ count: Int?) throws(InstructionSetError) {
        dseg_start(Int32(clamping: count ?? 0))
        try InstructionSet.chooseNamed()
    }

    package static var count: Int { dseg_threads() }

    /// Runs `body` for the tasks 0 ..< `tasks` on all threads and returns when all are done.
    ///
    /// Tasks begin in their order and run side by side: what they write must lie apart. `thread` < ``count`` tells
    /// tasks that run at the same time apart.
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

/// What the pool is handed: a closure behind one pointer.
private final class TaskBody {
    let run: (Int, Int) -> Void

    init(run: @escaping (Int, Int) -> Void) {
        self.run = run
    }
}

/// The failure of the first task that failed. Tasks begin in their order, so whichever comes before it runs to its end,
/// and the same task is the first however many threads there are.
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
