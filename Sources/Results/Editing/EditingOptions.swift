package import ArgumentParser
import Texts

/// The options of `mask` for parts of the picture: what is cut out, and masks for inpainting.
package struct EditingOptions: ParsableArguments {
    @Option(
        name: .customLong("cut"), parsing: .singleValue,
        help: ArgumentHelp(
            "Also write the picture with all but a region transparent (.REGION.cut.png).",
            discussion: """
                A region is a label, or several: "sky + water", "person - face". The edge is that of the mask. May be \
                given several times.
                """,
            valueName: "region"))
    package var cuts: [String] = []

    @Option(
        name: .customLong("inpaint"), parsing: .singleValue,
        help: ArgumentHelp(
            "Also write a region's mask for inpainting (.REGION.inpaint.png), grey: white is painted anew.",
            discussion: """
                Labels behind a minus sign stay black, whatever is filled, grown and feathered. May be given several \
                times; the next four options hold for all.
                """,
            valueName: "region"))
    package var inpaints: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The masks for inpainting grow by as many pixels of the picture; below 0 they shrink.",
            discussion: "From -1000 to 1000.", valueName: "px"))
    package var grow: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Their edges are blurred: by a Gaussian with this standard deviation in pixels of the picture, as A1111's \
            mask blur.
            """, discussion: "From 0 to 200.", valueName: "px"))
    package var feather: Int?

    @Flag(help: "Holes in them are filled, before they grow.")
    package var fillHoles = false

    @Flag(help: "Of each only the largest part stays, before it grows.")
    package var largest = false

    package init() {}

    package func validate() throws {
        do throws(RegionError) {
            _ = try edits()
        } catch {
            throw ValidationError(error.description)
        }
        let given = [
            grow.map { "--grow \($0)" }, feather.map { "--feather \($0)" }, fillHoles ? "--fill-holes" : nil,
            largest ? "--largest" : nil,
        ]
        if inpaints.isEmpty, let option = given.compactMap(\.self).first {
            throw ValidationError("\(option) changes masks for inpainting, and none is asked for; type --inpaint LABEL")
        }
    }

    /// What is done to every region of ``inpaints``.
    func edits() throws(RegionError) -> RegionEdits {
        try RegionEdits(fillsHoles: fillHoles, keepsLargest: largest, growth: grow ?? 0, feather: feather ?? 0)
    }

    /// Those of ``inpaints``, then those of ``cuts``.
    func regions() throws(WordError) -> [WrittenRegion] {
        do throws(RegionError) {
            var regions: [WrittenRegion] = []
            for text in inpaints + cuts { regions.append(try WrittenRegion(text)) }
            return regions
        } catch {
            throw .region(error)
        }
    }
}
