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

    /// The tensor `name` of shape [count], widened to f32.
    package func floats(_ name: String, count: Int) throws(CheckpointError) -> WeightVector {
        let memory = try unsafe checkpoint.claim(join(name), shapes: [[count]], .floats, in: region).memory
        return unsafe WeightVector(base: UnsafePointer(memory.assumingMemoryBound(to: Float.self)), count: count)
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

    private func matrix(
        _ name: String, shapes: [[Int]], outputs: Int, columns: Int, _ packing: WeightPacking
    ) throws(CheckpointError) -> WeightMatrix {
        let (memory, type) = try unsafe checkpoint.claim(join(name), shapes: shapes, packing, in: region)
        return unsafe WeightMatrix(packing, of: type, in: memory, rows: outputs, columns: columns)
    }

    /// The tensor `name` of shape [rows, columns], for looking up rows.
    package func table(_ name: String, rows: Int, columns: Int) throws(CheckpointError) -> WeightTable {
        let (memory, type) = try unsafe checkpoint.claim(join(name), shapes: [[rows, columns]], .stored, in: region)
        return unsafe WeightTable(base: UnsafeRawPointer(memory), type: type, rows: rows, columns: columns)
    }

    private func join(_ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }
}
