/// Height and width of a map: of a latent, of a level of the U-Net, or of a picture as the autoencoder reads it.
package struct Grid: Sendable, Hashable {
    package let height: Int
    package let width: Int

    package var pixels: Int { height * width }

    package init(height: Int, width: Int) {
        precondition(height > 0 && width > 0, "a grid of \(height) x \(width)")
        self.height = height
        self.width = width
    }

    /// The grid of a level of the U-Net, where this is level 0: each level halves both sides.
    package func level(_ level: Int) -> Grid {
        Grid(height: height >> level, width: width >> level)
    }

    package func times(_ factor: Int) -> Grid {
        Grid(height: height * factor, width: width * factor)
    }
}
