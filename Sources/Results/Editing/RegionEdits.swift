package import Images

/// What is done to a region before it is a mask for inpainting, in the order of the fields.
package struct RegionEdits: Sendable, Hashable {
    /// Whether what the region surrounds is part of it.
    let fillsHoles: Bool
    /// Whether only the largest of its parts stays.
    let keepsLargest: Bool
    /// By how many pixels of the picture it grows, -1000 to 1000; below 0 it shrinks.
    let growth: Int
    /// The standard deviation of the Gaussian that blurs its edge, 0 to ``Region/featherLimit`` pixels of the picture.
    let feather: Int

    init(fillsHoles: Bool, keepsLargest: Bool, growth: Int, feather: Int) throws(RegionError) {
        let options = [("--grow", growth, -1000...1000), ("--feather", feather, 0...Region.featherLimit)]
        for (option, pixels, limits) in options where !limits.contains(pixels) {
            throw .pixels(pixels, of: option, limits)
        }
        self.fillsHoles = fillsHoles
        self.keepsLargest = keepsLargest
        self.growth = growth
        self.feather = feather
    }

    /// The mask, `[height, width]`: 255 where to paint anew, 0 where to keep the picture, as wherever `excluded` is.
    func mask(of included: Region, without excluded: Region) -> [UInt8] {
        var region = included
        if fillsHoles { region = region.withoutHoles() }
        if keepsLargest { region = region.largestPart() }
        if growth != 0 { region = region.grown(by: growth) }
        return region.subtracting(excluded).feathered(by: feather, never: excluded)
    }
}
