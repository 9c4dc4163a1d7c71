import Texts

/// What is known of words beyond how they end. A word of no table is a noun.
enum CaptionTables {
    static let determiners = WordTable.set(
        "a an the his her its their my your our this these that those some any each every no both several")

    /// Behind which "can" is a thing.
    static let articles = WordTable.set("a an the")

    /// They name nothing, and end a run of nouns.
    static let fillers = WordTable.set(
        """
        a an the i you he she it we they me him her us them his hers its their theirs my mine your yours our ours this
        that these those who whom whose which what where when why how there here someone somebody something anyone
        anybody anything everyone everybody everything nobody nothing none each another other others itself himself
        herself themselves yourself myself ourselves all any both either neither every few many much more most less
        least several some no not enough plenty lot lots dozen dozens hundred hundreds thousand thousands million
        millions zero one ones two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety first second third
        fourth fifth once twice thrice of in on at by for with without from to into onto upon over under underneath
        beneath below above up down off out through throughout across along alongside around round about against
        between among amongst amid behind beside besides beyond near nearby next inside outside within toward towards
        past via per during before after since until till as like unlike than atop aboard opposite and or but nor so
        yet if while whereas because although though whether then is are was were be been being am has have having had
        do does did doing could can will would shall should may might must don doesn isn aren didn wasn weren couldn
        wouldn shouldn hasn haven hadn ll re ve very too also just only still even again already always never often
        sometimes together apart away forward forwards backward backwards now today tonight tomorrow yesterday
        outdoors indoors overhead ahead aside else ever quite rather almost maybe perhaps soon later instead otherwise
        upside sideways halfway well midair aloft ago afar abreast astride alone awake asleep yes ok oh etc vs www
        http https com
        """)

    /// Nouns behind an article or a modifier.
    static let fillersOrNouns = WordTable.set("can")

    static let modifiers = WordTable.set(
        """
        red blue green yellow brown black white grey gray pink purple violet beige tan teal turquoise maroon navy
        crimson scarlet cyan magenta lavender blonde blond brunette brindle calico colorful colourful bright dark pale
        vivid multicolored rainbow big bigger biggest large larger largest small smaller smallest little tiny huge
        giant gigantic massive enormous miniature mini tall taller tallest short shorter shortest long longer longest
        high higher highest low lower lowest wide wider narrow thick thin fat skinny slim chubby deep shallow broad
        heavy oversized jumbo great vast grand full half whole entire multiple numerous various different similar same
        separate single double triple twin extra additional only main major minor old older oldest young younger
        youngest new newer newest ancient antique vintage modern contemporary elderly teenage retro classic
        traditional historic victorian gothic medieval rustic fresh ripe rotten stale raw used wooden metallic woolen
        woollen golden earthen knit woven quilted checkered plaid floral polka ornate fancy elegant plain simple basic
        decorative artistic abstract cartoonish realistic round circular rectangular oval triangular curved straight
        flat sharp pointy pointed curly wavy spiral diagonal horizontal vertical upright parallel steep sloped slanted
        crooked hollow solid smooth rough soft hard bumpy fuzzy fluffy furry hairy shaggy woolly silky shiny glossy
        sleek dull matte transparent clear opaque wet dry damp moist soggy muddy dirty dusty filthy messy cluttered
        clean tidy neat empty busy crowded open closed shut broken cracked torn worn rusty weathered ruined bare
        barren naked nude shirtless barefoot topless hot cold warm cool icy snowy rainy sunny cloudy overcast foggy
        misty hazy windy stormy frozen chilly tropical grassy sandy rocky hilly leafy bushy wooded mossy flowery
        thorny mountainous rural urban coastal suburban residential industrial commercial public private local
        national international foreign domestic wild tame delicious tasty yummy sweet sour salty spicy savory juicy
        crispy crunchy creamy cheesy greasy healthy homemade gourmet vegetarian vegan edible happy sad angry mad
        scared tired sleepy hungry thirsty bored excited curious playful friendly lonely lovely ugly silly funny cute
        adorable beautiful pretty handsome gorgeous attractive sexy nice good better best bad worse worst perfect
        wonderful amazing awesome weird strange odd unusual unique special interesting scary creepy famous popular
        important professional casual formal festive cozy comfortable comfy quiet calm peaceful serene loud noisy fast
        slow quick rapid early late ready able unable available american british english french italian spanish german
        dutch chinese japanese asian indian african european mexican russian korean thai greek roman turkish egyptian
        arabic swiss irish scottish canadian australian western eastern northern southern north south east west upper
        inner outer middle-aged front-facing side-by-side first-class pregnant disabled homeless dead alive live sick
        injured nearby distant far close remote-controlled electric electrical electronic digital mechanical manual
        automatic portable mobile cordless wireless natural artificial fake real actual typical normal regular
        ordinary standard certain own favorite visible lit unlit well-lit sunlit moonlit dimly backlit made unmade
        handmade halved grown cooked free stray spare matching bulky lush lanky sturdy fragile delicate tender bald
        bearded fit muscular athletic strong weak royal military nautical medical musical religious catholic christian
        buddhist olympic aerial panoramic scenic picturesque blurry grainy sepia monochrome monochromatic see-through
        makeshift overgrown unpaved uncooked double-decker two-tiered inflatable disposable adjustable removable
        foldable stackable reusable uncomfortable lone sole particular assorted mixed miscellaneous toasty wintery
        wintry springy autumnal nighttime daytime underwater mid upclose spotty stripy stripey striped dotted freckled
        hooved antlered acoustic
        """)

    /// Modifiers before a noun and before another modifier, also with "and" between; else nouns.
    static let modifiersOrNouns = WordTable.set(
        """
        orange gold silver copper bronze metal plastic glass wicker marble ceramic porcelain cotton denim leather
        suede wool silk velvet rubber vinyl lace linen steel aluminum aluminium tin iron chrome stainless brick stone
        concrete cement granite wood khaki adult female male teen senior native decker tabby square
        """)

    /// Nouns; before a modifier they say how light or how dark it is.
    static let shades = WordTable.set("light baby hunter forest sky army royal")

    /// The thing before these only says what the next one looks like: "heart shaped cake". Not where no thing is next:
    /// "a cake shaped like a heart".
    static let likenesses = WordTable.set(
        "shaped colored coloured sized size themed styled style flavored flavoured scented covered lined filled clad")

    /// They end as participles or adverbs do.
    static let nounsInspiteOfEndings = WordTable.set(
        """
        building buildings ceiling painting railing wedding clothing awning crossing pudding icing frosting stuffing
        dressing topping filling lighting flooring bedding string swing sling sting viking duckling dumpling sibling
        earring herring landing carving drawing engraving etching lettering plumbing roofing scaffolding sapling
        seedling starling gosling sterling wiring molding moulding paneling panelling padding piercing tubing netting
        matting fencing covering boeing beijing darling hatchling fledgling yearling lemming bearing clearing lining
        lightning housing bunting mooring rigging siding stocking gathering railings dwelling marking hamstring
        shoestring grating paving offspring bowstring drawstring inning bed shed sled seed weed reed breed steed moped
        bobsled flatbed seabed seaweed tumbleweed birdseed flaxseed waterbed sunbed daybed toolshed woodshed watershed
        biped quadruped dogsled hotbed linseed butterfly fly dragonfly firefly housefly mayfly family belly jelly lily
        waterlily trolly assembly dolly holly rally supply italy ally gully doily potbelly underbelly poly billy bully
        brolly
        """)

    /// Nouns that are verbs before "a", "his" and the like, and behind who does it.
    static let participlesOrNouns = WordTable.set(
        "painting drawing building crossing landing dressing carving covering filling lighting gathering topping")

    /// In the form that a plural takes: "people sit", "stand" and "stands" alike.
    static let verbs = WordTable.set(
        """
        sit stand walk ride hold wear eat play look jump run lay lie sleep hang lean rest wait pose graze perch float
        travel drive throw catch hit kick reach carry pull push perform prepare attempt try go come get make take give
        put move work read say tell talk speak show stare gaze smile laugh follow chase enjoy feed use contain feature
        fill include consist see appear seem hover soar fall feel grow grab attach approach begin start continue ask
        check close cut chew lick sniff blow build buy sell call celebrate climb collect compete connect create
        decorate descend dive draw emerge enter examine exit explore glide greet guide happen hug inspect interact
        join kneel kiss launch learn leap leave let listen live load meet mount navigate need offer overlook pass
        pedal peek peer pick pour practice protect provide raise receive relax remain remove return serve set share
        shave sing snuggle spread squat stretch stroll suggest surround swim taste test touch tow toss twist visit
        want wash write yawn arrive depart bend burn chat crouch cuddle dance dig drag flip fold frolic gallop hide
        howl illuminate know lounge mingle nuzzle occupy reflect roam shake shine shoot spin splash steer sunbathe
        trot wade wander weigh yell become keep think sat stood held laid lain ran rode ridden ate eaten wore threw
        thrown caught took taken gave given went gone came got gotten seen saw shown showed said told led fell fallen
        grew kept knew hung built bent bought brought broke drawn driven drove flown flew hid hidden lost meant met
        paid sold sent slept spent spun stuck sung swept swum thought wrapped written wrote bound born blown beaten
        bitten sewn sunk won wound shorn fed fought lit underway
        """)

    /// Nouns, but behind who does it verbs: "people fish", "a man watches", "to surf".
    static let verbsOrNouns = WordTable.set(
        """
        watch fly drink swing race face head skate skateboard snowboard surf ski bike fish cook shop cross wave point
        board dock line park slide stop pet herd land paddle camp hike jog kayak canoe sail
        """)

    /// Nouns with hyphens whose last part says nothing of what they are.
    static let wholes = WordTable.set(
        """
        x-ray merry-go-round go-kart go-cart jack-o-lantern u-turn see-saw pick-up pop-up drive-thru drive-through
        mother-in-law father-in-law sit-up push-up tic-tac-toe
        """)

    /// Behind a hyphen with blanks around it these go on with a word; other fillers begin a new thought.
    static let particles = WordTable.set("up down off out over by through")

    /// Who does things.
    static let agents = WordTable.set(
        """
        man woman person boy girl child kid baby toddler lady gentleman guy player surfer skier skateboarder skater
        snowboarder rider batter biker cyclist motorcyclist bicyclist pedestrian passenger driver cowboy tourist
        student chef officer policeman fireman soldier worker family crowd couple team group friend spectator dog
        puppy cat kitten bird horse elephant giraffe zebra cow sheep goat bear seagull pigeon duck goose swan monkey
        boat ship sailboat plane airplane jet helicopter train lion
        """)

    /// Who stands behind these does what the next word says: "watch a plane fly".
    static let perceiving = WordTable.set("watch watches watching watched see sees seeing saw let lets letting")

    /// Agents of one form, which one more likely are many.
    static let manyInOneForm = WordTable.set("sheep deer")

    /// Pronouns that verbs stand behind.
    static let relatives = WordTable.set("who that which to")

    /// Behind these "to" is about a place, and no verb follows it.
    static let placings = WordTable.set("next close adjacent attached tied connected back")

    /// Where things are and when, what they do and in which number: no things that a mask could show.
    static let abstractions = WordTable.set(
        """
        time way day daytime night nighttime evening morning afternoon dusk dawn noon midnight hour minute week month
        year season winter summer spring autumn birthday holiday vacation christmas easter halloween fun action
        activity use motion progress play turn view shot image photography photoshoot closeup close-up selfie scene
        version color colour shape size length height weight speed style fashion manner kind type sort amount number
        variety assortment quantity level area place spot location space section region zone environment setting stuff
        thing item object word name trick stunt jump pose walk ride nap bite attempt expression smile love help work
        business war life death peace luck attention order flight formation bloom event game competition tournament
        lesson performance practice air row effect detail design texture focus perspective angle direction position
        purpose reason idea example
        """)

    /// Parts of a thing that are not looked for as such. Before a noun they say which one: "front door".
    static let positions = WordTable.set(
        """
        front side top background foreground middle center centre back bottom edge corner end rear left right distance
        interior exterior tip
        """)

    /// Before "of" they only count: "a bunch of bananas"
    static let gatherings = WordTable.set(
        """
        group bunch couple pair set series line herd flock pack crowd stack pile heap collection selection array
        cluster batch fleet swarm school litter gaggle mix mixture mound handful bundle body lump sea team bit piece
        slice chunk portion scoop serving strip clump string host band load ton range colony base
        """)

    /// Of a thing, which they follow: "pizza slices".
    static let portions = WordTable.set("slice piece chunk portion serving")

    /// Who sees the caption's picture sees what is in it: "a painting of a boat".
    static let depictions = WordTable.set(
        """
        picture photo photograph painting drawing illustration sketch cartoon portrait rendering print screenshot
        snapshot collage
        """)

    /// Behind a caption's first word of ``depictions``.
    static let depicting = WordTable.set("of taken showing shows depicting featuring")
    /// Before a word of ``depictions`` that is made or looked into: "taking a picture".
    static let picturing = WordTable.set("take takes taking took taken for in")

    /// Before letters that are read: "a sign that says no parking".
    static let quoting = WordTable.set("says saying reads word words")
    /// Behind them.
    static let afterQuotes = WordTable.set(
        "on in at with above below beside next near under behind written painted printed hanging attached")
}
