package import Kernels

/// A prefix of a checkpoint's tensor names, extended by subscripts: `unet["down_blocks"][1]["resnets"][0]`. Asking for
/// a tensor checks its shape and claims it: its memory is filled, laid out for the kernels, when the checkpoint is
/// read.
package struct WeightScope {
    private let checkpoint: Checkpoint
    private let region: WeightRegion
    private let precision: Precision
    /// The names walked so far, joined by dots.
    private let path: String

    init(checkpoint: Checkpoint, region: WeightRegion, precision: Precision, path: String) {
        self.checkpoint = checkpoint
        self.region = region
        self.precision = precision
        self.path = path
    }

    package subscript(name: String) -> WeightScope {
        WeightScope(checkpoint: checkpoint, region: region, precision: precision, path: join(name))
    }

    package subscript(index: Int) -> WeightScope {
        self[String(index)]
    }

    /// The scope under `name` if the checkpoint has tensors there, else this scope: some exports omit the outermost
    /// name.
    package func entering(ifPresent name: String) -> WeightScope {
        checkpoint.hasNames(under: join(name) + ".") ? self[name] : self
    }

    /// Whether the checkpoint has the tensor `name` here.
    package func has(_ name: String) -> Bool {
        checkpoint.has(join(name))
    }

    /// The tensor `name` of a shape, widened to f32.
    package func floats(_ name: String, shape: [Int]) throws(CheckpointError) -> WeightVector {
        try floats(name, shape: shape, parts: 1)[0]
    }

    /// The tensor `name` of shape [parts · count], widened to f32 and cut into parts.
    package func floats(_ name: String, parts: Int, count: Int) throws(CheckpointError) -> [WeightVector] {
        try floats(name, shape: [parts * count], parts: parts)
    }

    private func floats(_ name: String, shape: [Int], parts: Int) throws(CheckpointError) -> [WeightVector] {
        let count = shape.reduce(1, *) / parts
        let packings = Array(repeating: WeightPacking.floats, count: parts)
        return try unsafe checkpoint.claim(join(name), shapes: [shape], .parts(packings), in: region).memory.map {
            unsafe WeightVector(base: UnsafePointer($0.assumingMemoryBound(to: Float.self)), count: count)
        }
    }

    /// The tensor `name` of shape [outputs, inputs], or [outputs, inputs, 1, 1] as a convolution of one position is
    /// stored.
    package func matrix(_ name: String, outputs: Int, inputs: Int) throws(CheckpointError) -> WeightMatrix {
        try matrix(
            name, shapes: [[outputs, inputs], [outputs, inputs, 1, 1]], outputs: outputs, columns: inputs,
            .convolution(precision, outputs: outputs, inputs: inputs, window: .pixel))
    }

    /// The tensor `name` of shape [outputs, inputs, kernel, kernel], the weights of a convolution with `window`.
    package func matrix(
        _ name: String, outputs: Int, inputs: Int, window: Window
    ) throws(CheckpointError) -> WeightMatrix {
        let kernel = window.kernel
        return try matrix(
            name, shapes: [[outputs, inputs, kernel, kernel]], outputs: outputs, columns: kernel * kernel * inputs,
            .convolution(precision, outputs: outputs, inputs: inputs, window: window))
    }

    /// The tensor `name` of shape [parts · outputs, inputs], cut into matrices of `outputs` rows.
    package func matrices(
        _ name: String, parts: Int, outputs: Int, inputs: Int
    ) throws(CheckpointError) -> [WeightMatrix] {
        try matrices(
            name, shapes: [[parts * outputs, inputs]], parts: parts, outputs: outputs, columns: inputs,
            .convolution(precision, outputs: outputs, inputs: inputs, window: .pixel))
    }

    private func matrix(
        _ name: String, shapes: [[Int]], outputs: Int, columns: Int, _ packing: WeightPacking
    ) throws(CheckpointError) -> WeightMatrix {
        try matrices(name, shapes: shapes, parts: 1, outputs: outputs, columns: columns, packing)[0]
    }

    private func matrices(
        _ name: String, shapes: [[Int]], parts: Int, outputs: Int, columns: Int, _ packing: WeightPacking
    ) throws(CheckpointError) -> [WeightMatrix] {
        let packings = Array(repeating: packing, count: parts)
        let (memory, type) = try unsafe checkpoint.claim(join(name), shapes: shapes, .parts(packings), in: region)
        return unsafe memory.map { unsafe WeightMatrix(packing, of: type, in: $0, rows: outputs, columns: columns) }
    }

    /// The tensor `name` of shape [rows, columns], for looking up rows.
    ///
    /// - Parameter batch: what is in front of its shape: nothing, or a one
    package func table(
        _ name: String, batch: [Int] = [], rows: Int, columns: Int
    ) throws(CheckpointError) -> WeightTable {
        let (memory, type) = try unsafe checkpoint.claim(
            join(name), shapes: [batch + [rows, columns]], .parts([.stored]), in: region)
        return unsafe WeightTable(base: UnsafeRawPointer(memory[0]), type: type, rows: rows, columns: columns)
    }

    /// The tensor `name` of shape [rows, columns] as a table and as a matrix: a word's embedding, and what scores it.
    /// Where the matrix is packed otherwise than the table, the tensor lies in memory twice.
    package func tableAndMatrix(
        _ name: String, rows: Int, columns: Int
    ) throws(CheckpointError) -> (table: WeightTable, matrix: WeightMatrix) {
        let packing = WeightPacking.convolution(precision, outputs: rows, inputs: columns, window: .pixel)
        let layouts: WeightLayouts = packing == .stored ? .parts([.stored]) : .copies([.stored, packing])
        let (memory, type) = try unsafe checkpoint.claim(join(name), shapes: [[rows, columns]], layouts, in: region)
        return unsafe (
            WeightTable(base: UnsafeRawPointer(memory[0]), type: type, rows: rows, columns: columns),
            WeightMatrix(packing, of: type, in: memory[memory.count - 1], rows: rows, columns: columns)
        )
    }

    private func join(_ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }
}
