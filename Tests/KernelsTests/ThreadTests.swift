import CKernels
import Glibc
import Kernels
import Synchronization
import Testing

/// The pool's threads, started: three, so that tasks do run side by side. Scratch is measured for
/// the threads there are, so every test that takes scratch starts them first.
let startedThreads: Int = {
    do throws(InstructionSetError) {
        try Threads.start(3)
    } catch {
        preconditionFailure("\(error)")
    }
    return Threads.count
}()

/// Runs the kernels as a task of the pool: they find it busy and compute on one thread alone.
private final class Alone {
    private(set) var answers: [[UInt32]] = []

    func compute() {
        unsafe dseg_parallel(
            2,
            { context, task, _ in
                guard task == 0 else { return }
                let alone = unsafe Unmanaged<Alone>.fromOpaque(context).takeUnretainedValue()
                alone.answers = KernelsTests.answers()
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}

/// What each kernel that is cut into tasks makes of the same numbers, as bits.
func answers() -> [[UInt32]] {
    var draw = Draw(seed: 8)
    let (rows, columns) = (300, 48)
    let x = draw.matrix(rows, columns)
    let bias = draw.floats(columns)
    let room = max(dseg_attention_scratch(rows, columns, 4), dseg_group_norm_scratch(rows, columns))
    let scratch = Scratch(room)
    let y = (0..<5).map { _ in Framed(unwritten: rows, columns) }
    let mean = Framed(rows: rows, columns: rows) { _, _ in 0 }
    var captured = unsafe mean.c
    unsafe dseg_attention(x.c, x.c, x.c, 4, false, y[0].c, &captured, shares(1, heads: 4), false, scratch.floats)
    unsafe dseg_attention_mean(x.c, x.c, 4, mean.c, shares(0.5, heads: 4), false, scratch.floats)
    unsafe dseg_attention(x.c, x.c, x.c, 4, true, y[1].c, nil, nil, false, scratch.floats)
    unsafe dseg_group_norm_silu(x.c, y[2].c, bias, bias, 4, 1e-5, scratch.floats)
    unsafe dseg_layer_norm(x.c, y[3].c, bias, bias, 1e-5)
    unsafe dseg_copy(x.c, y[4].c)
    unsafe dseg_gelu(y[4].c)
    var completed = [Float](repeating: .nan, count: 3 * rows)
    var integers = [UInt16](repeating: 0, count: rows * rows)
    var scales = [Float](repeating: 0, count: rows)
    unsafe dseg_quantize_unsigned(mean.c, false, &integers, &scales)
    unsafe dseg_unit_scales(integers, rows, rows, false, &scales)
    var weighing = [Float](repeating: .nan, count: dseg_complete_scratch(rows))
    unsafe dseg_complete(integers, false, scales, rows, draw.floats(3 * rows), 3, &completed, &weighing)
    let colours = draw.floats(3 * rows).map(abs)
    unsafe dseg_weigh(mean.c, colours, 20, 15, 0.2, 0.1, scratch.floats)
    let shared = Framed(draw.floats(7 * rows).map(abs), rows: 7, columns: rows)
    unsafe dseg_share(shared.c, 8)
    #expect(scratch.isIntact)
    let others =
        (y + [mean, shared]).map { $0.values.map(\.bitPattern) } + [completed.map(\.bitPattern)] + guidedAnswers()
        + clusterAnswers()
    return others + Operands.shared.answers() + fixedAnswers() + headAnswers()
}

/// Maps completed by single heads, of which a thread has some tiles, and a row of each.
private func headAnswers() -> [[UInt32]] {
    var draw = Draw(seed: 10)
    let (q, k, map) = (draw.matrix(300, 10), draw.matrix(300, 10), draw.floats(300))
    return [false, true].flatMap { fixed in
        let heads = MeasuredHeads(q, k, heads: 2, fixed: fixed, isDefined: false)
        return (0..<2).flatMap { head in
            [
                heads.completing([map], head: head, threshold: 0.3)[0].map(\.bitPattern),
                heads.row(270, head: head, threshold: 0.3).map(\.bitPattern),
            ]
        }
    }
}

/// Clusters of pixels, maps averaged over them, and a sharpened affinity.
private func clusterAnswers() -> [[UInt32]] {
    var draw = Draw(seed: 10)
    let maps = Framed(draw.floats(20 * 300).map(abs), rows: 20, columns: 300)
    let affinity = Framed(draw.floats(300 * 300).map(abs), rows: 300, columns: 300)
    let doubles = max(dseg_cluster_scratch(300, 20, 9), dseg_average_scratch(9))
    let scratch = Scratch(max(2 * doubles, dseg_sharpen_scratch(300)))
    unsafe dseg_sharpen(affinity.c, 0.1, scratch.floats)
    var clusters = [Int32](repeating: -1, count: 300)
    let starts = (0..<9).map { Int32($0 * 33) }
    unsafe scratch.floats.withMemoryRebound(to: Double.self, capacity: doubles) { scratch in
        let count = unsafe dseg_cluster(maps.c, starts, 9, 20, &clusters, scratch)
        unsafe dseg_average(maps.c, clusters, count, scratch)
    }
    #expect(scratch.isIntact)
    return [maps, affinity].map { $0.values.map(\.bitPattern) } + [clusters.map { UInt32(bitPattern: $0) }]
}

/// Operands of products in f32: some rows, and many of many inputs; of convolutions by im2col; of Winograd's with few
/// tiles, with more than a block has, and with two groups of outputs.
private final class Operands: Sendable {
    private struct Convolution {
        let x: [Float]
        let w: Weights
        let window: dseg_window
    }

    static let shared = Operands()

    private let convolutions: [Convolution]

    private init() {
        var draw = Draw(seed: 10)
        let strided = dseg_window(
            height: 20, width: 31, out_height: 10, out_width: 16, kernel: 3, stride: 2, before: 1, doubled: false)
        let pixels = dseg_window(
            height: 1, width: 300, out_height: 1, out_width: 300, kernel: 1, stride: 1, before: 0, doubled: false)
        let shapes: [(dseg_window, dseg_number, Int, Int)] = [
            (pixels, dseg_f16, 48, 48), (pixels, dseg_f32, 800, 41), (strided, dseg_bf16, 90, 20),
            (same(height: 20, width: 15, doubled: false), dseg_bf16, 48, 48),
            (same(height: 61, width: 66, doubled: false), dseg_f16, 16, 17),
            (same(height: 1, width: 132, doubled: false), dseg_f32, 1000, 70),
        ]
        convolutions = shapes.map { window, number, inputs, outputs in
            let columns = window.kernel * window.kernel * inputs
            return Convolution(
                x: draw.floats(window.height * window.width * inputs),
                w: Weights(draw.stored(number, outputs * columns), outputs: outputs, inputs: columns), window: window)
        }
    }

    /// A convolution with a kernel of one pixel is a product.
    func answers() -> [[UInt32]] {
        convolutions.map { c in
            let inputs = c.w.inputs / c.window.kernel / c.window.kernel
            let x = Framed(c.x, rows: c.window.height * c.window.width, columns: inputs)
            let y = Framed(unwritten: c.window.out_height * c.window.out_width, c.w.outputs)
            let bias = [Float](c.x.prefix(c.w.outputs))
            if c.window.kernel == 1 { return Product(x: x, w: c.w, bias: bias, before: nil).bits("a product") }
            let scratch = Scratch(dseg_convolution_scratch(c.window, inputs, c.w.outputs))
            unsafe dseg_convolution(x.c, nil, c.window, c.w.c, bias, y.c, false, scratch.floats)
            #expect(scratch.isIntact && y.isFrameIntact)
            return y.values.map(\.bitPattern)
        }
    }
}

/// The same of kernels in fixed point; the map has more tiles than a block, and more rows than im2col stores at once.
private func fixedAnswers() -> [[UInt32]] {
    var draw = Draw(seed: 9)
    let (height, width, inputs, outputs) = (65, 66, 17, 18)
    let x = draw.matrix(height * width, inputs)
    let bias = draw.floats(outputs)
    let whole = FixedPanels(draw.floats(outputs * inputs), outputs: outputs, inputs: inputs)
    let strided = FixedPanels(draw.floats(outputs * 9 * inputs), outputs: outputs, inputs: 9 * inputs)
    let kernels = FixedKernels(draw.stored(dseg_f16, outputs * 9 * inputs), outputs: outputs, inputs: inputs)
    let windows = [1, 2].map { stride in
        dseg_window(
            height: height, width: width, out_height: (height + stride - 1) / stride, out_width: width / stride,
            kernel: 3, stride: stride, before: 1, doubled: false)
    }
    let room =
        windows.map { dseg_fixed_convolution_scratch($0, inputs, outputs) } + [dseg_attention_scratch(600, 16, 2)]
    let scratch = Scratch(room.max() ?? 0)
    let y = [x.rows, x.rows, 33 * 33].map { Framed(unwritten: $0, outputs) }
    let fixed = FixedInputs(x)
    unsafe dseg_fixed_linear(fixed.c, whole.c, bias, y[0].c, false)
    unsafe dseg_fixed_convolution(x.c, nil, windows[0], kernels.c, bias, y[1].c, false, scratch.floats)
    unsafe dseg_fixed_convolution(x.c, nil, windows[1], strided.c, bias, y[2].c, false, scratch.floats)
    let (q, attended) = (draw.matrix(600, 16), Framed(unwritten: 600, 16))
    let mean = Framed(rows: 600, columns: 600) { _, _ in 0 }
    var captured = unsafe mean.c
    unsafe dseg_attention(q.c, q.c, q.c, 2, false, attended.c, &captured, shares(1, heads: 2), true, scratch.floats)
    unsafe dseg_attention_mean(q.c, q.c, 2, mean.c, shares(0.5, heads: 2), true, scratch.floats)
    #expect(scratch.isIntact)
    return (y + [attended, mean]).map { $0.values.map(\.bitPattern) }
}

/// The same of maps filtered by a guide high enough for many strips.
private func guidedAnswers() -> [[UInt32]] {
    var draw = Draw(seed: 10)
    let (width, height) = (37, 130)
    let guide = draw.floats(3 * width * height).map { UInt8(abs($0) * 255) }
    let enlargement = Enlargement(columns: line(9, width, &draw), rows: line(8, height, &draw))
    let maps = (0..<13).map { _ in draw.floats(72).map(abs) }
    return GuidedFilter(guide: guide, width: width, height: height, radius: 3, epsilon: 1e-4)
        .filtered(maps, interpolatedBy: enlargement).map { $0.map(\.bitPattern) }
}

/// A number that differs if the bits do (FNV-1a).
func digest(_ answers: [[UInt32]]) -> UInt64 {
    answers.joined().reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

@Suite struct ThreadTests {
    @Test func `dseg_start starts threads once, and dseg_threads counts them`() {
        let threads = startedThreads
        dseg_start(Int32(threads) + 5)
        #expect(dseg_threads() == threads && threads >= 1)
    }

    @Test func `dseg_parallel runs each task once, on a thread that is its own meanwhile`() {
        _ = startedThreads
        for tasks in [0, 1, 2, 3, 64, 1000] {
            let log = TaskLog(tasks: tasks)
            unsafe dseg_parallel(
                tasks,
                { context, task, thread in
                    unsafe Unmanaged<TaskLog>.fromOpaque(context).takeUnretainedValue()
                        .run(task, on: thread)
                }, Unmanaged.passUnretained(log).toOpaque())
            #expect(log.runs == [Int](repeating: 1, count: tasks))
            #expect(log.collisions == 0)
        }
    }

    /// The error of a task that was told to fail.
    private struct Failed: Error, Equatable {
        let task: Int
    }

    @Test func `a run of tasks throws what the first of them threw, whoever was faster`() {
        _ = startedThreads
        for failing: Set<Int> in [[], [0], [63], [7, 8, 9, 60], Set(0..<64)] {
            for _ in 0..<20 {
                let log = TaskLog(tasks: 64)
                var error: Failed?
                do throws(Failed) {
                    try Threads.run(64) { (task, thread) throws(Failed) in
                        log.run(task, on: thread)
                        if failing.contains(task) { throw Failed(task: task) }
                    }
                } catch let thrown {
                    error = thrown
                }
                #expect(error == failing.min().map(Failed.init))
                let first = failing.min() ?? 63
                #expect(log.runs[...first].allSatisfy { $0 == 1 })
                #expect(log.runs.allSatisfy { $0 <= 1 } && log.collisions == 0)
            }
        }
    }

    @Test func `the bits of an answer depend neither on the threads nor on the time`() {
        _ = startedThreads
        let first = answers()
        #expect(first.allSatisfy { $0.allSatisfy { !Float(bitPattern: $0).isNaN } })
        for _ in 0..<3 { #expect(answers() == first) }
        let single = Alone()
        single.compute()
        #expect(single.answers == first)
    }

    @Test func `callers on several threads get the answer that one gets`() async {
        _ = startedThreads
        let first = answers()
        let same = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<6 {
                group.addTask { (0..<3).allSatisfy { _ in answers() == first } }
            }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(same)
    }
}

/// Which tasks ran, how often, and whether two ran at once under one thread's number.
private final class TaskLog: Sendable {
    private struct State {
        var runs: [Int]
        var busy: Set<Int> = []
        var collisions = 0
    }

    private let state: Mutex<State>

    init(tasks: Int) {
        state = Mutex(State(runs: [Int](repeating: 0, count: tasks)))
    }

    var runs: [Int] { state.withLock { $0.runs } }
    var collisions: Int { state.withLock { $0.collisions } }

    func run(_ task: Int, on thread: Int) {
        state.withLock {
            $0.runs[task] += 1
            if !$0.busy.insert(thread).inserted || thread >= dseg_threads() { $0.collisions += 1 }
        }
        sched_yield()
        state.withLock { _ = $0.busy.remove(thread) }
    }
}
