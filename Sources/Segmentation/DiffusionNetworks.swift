import Limits
package import Kernels
package import Networks

/// The networks of a Stable Diffusion, whether their weights are in memory or not: their sizes say what memory an
/// answer takes.
package protocol DiffusionNetworks {
    var textEncoder: CLIPTextEncoder { get }
    var autoencoder: AutoencoderKL { get }
    var unet: UNet { get }
    /// The arithmetic of products with weights.
    var precision: Precision { get }
}

extension DiffusionNetworks {
    package var latentSizes: LatentSizes {
        let side = unet.configuration.sampleSize
        return LatentSizes(
            trained: Grid(height: side, width: side), unit: unet.configuration.latentUnit,
            factor: autoencoder.configuration.factor)
    }

    /// Bytes of address space for scratch memory at the size that the U-Net was trained on.
    package var scratchBytes: Int {
        AnswerMemory(self, Layout(latentSizes.trained), maps: Limit.labels).addressSpace
    }
}
