import Kernels

/// A residual block and, at levels with attention, a transformer after it.
struct UNetLayer {
    let resnet: ResnetBlock
    let transformer: SpatialTransformer?

    /// `y ← layer(x)`; returns early after the last capture.
    func callAsFunction(
        _ x: FeatureMap, into y: FeatureMap, _ pass: borrowing UNetPass, walk: inout CaptureWalk,
        _ arena: inout Arena
    ) throws(Interruption) {
        try pass.cancellation.check()
        resnet(x, into: y, time: pass.time, &arena)
        if let transformer {
            try pass.cancellation.check()
            transformer(y.matrix, context: pass.context, walk: &walk, &arena)
        }
    }
}

/// One level of the U-Net, on the way down or up: its layers, then a convolution that changes the size.
struct UNetBlock {
    let layers: [UNetLayer]
    let resize: Convolution?
}

/// The inputs that all layers of a pass share.
struct UNetPass {
    /// The text, `[L, context]`.
    let context: Matrix
    /// The silu of the time embedding, `[1, width]`.
    let time: Matrix
    let cancellation: Cancellation
}
