using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace BlockGraph.BlockCore.Tests.ObjectModel;

/// <summary>The frame of user-created objects: types, ids, options, properties, paths. The texts are those of QEMU 7.2.</summary>
[TestFixture]
public sealed class ObjectTreeTests
{
    private LampType _type = null!;
    private GraphFixture _fixture = null!;

    private NodeGraph Graph => _fixture.Graph;

    [SetUp]
    public void SetUp()
    {
        _type = new LampType();
        _fixture = new GraphFixture(graphOptions: new NodeGraphOptions { Profile = CompatibilityProfile.Qemu }, objectTypes: [_type]);
    }

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void An_object_is_created_by_type_and_id() => _fixture.Run(async () =>
    {
        IUserObject lamp = await AddAsync("lamp,id=l0,colour=red,watts=0x10,spot.angle=30");
        Assert.That(Graph.Objects.All.Single(), Is.EqualTo(KeyValuePair.Create("l0", lamp)), "under its id");
        Assert.That(_type.Made.Single(), Is.EqualTo(("l0", "red", 16L, 30L, true)), "from its options, and in effect");
        IUserObject second = await Graph.ObjectTree.AddAsync("lamp", "l1", new OptionsDictionary { { "watts", 5 } });
        Assert.That(second.TypeName, Is.EqualTo("lamp"), "by name, id and options");
    });

    [TestCase("id=l0", "Parameter 'qom-type' is missing")]
    [TestCase("lmp,id=l0", "Parameter 'qom-type' does not accept value 'lmp'")]
    [TestCase("lmp", "Parameter 'qom-type' does not accept value 'lmp'")]
    [TestCase("lamp", "Parameter 'id' is missing")]
    [TestCase("lamp,id=", "Parameter 'id' expects an identifier")]
    [TestCase("lamp,id=0l", "Parameter 'id' expects an identifier")]
    [TestCase("lamp,id=a/b", "Parameter 'id' expects an identifier")]
    [TestCase("lamp,id=l0,size=1", "Parameter 'size' is unexpected")]
    [TestCase("lamp,id=0,size=1", "Parameter 'size' is unexpected")]
    [TestCase("lamp,id=l0,size=1,watts=much", "Parameter 'watts' expects integer")]
    [TestCase("lamp,id=l0,watts=10M", "Parameter 'watts' expects integer")]
    [TestCase("lamp,id=l0,watts=99999999999999999999", "Parameter 'watts' expects integer")]
    [TestCase("lamp,id=l0,watts.x=1", "Parameters 'watts.*' are unexpected")]
    [TestCase("lamp,id=l0,dim=perhaps", "Parameter 'dim' expects 'on' or 'off'")]
    [TestCase("lamp,id=l0,spot=1", "Invalid parameter type for 'spot', expected: object")]
    [TestCase("lamp,id=l0,spot.0=1", "Invalid parameter type for 'spot', expected: object")]
    [TestCase("lamp,id=l0,spot.size=1,size=1", "Parameter 'spot.size' is unexpected")]
    [TestCase("lamp,id=type", "attempt to add duplicate property 'type' to object (type 'container')")]
    [TestCase("lamp,id=l0,watts=-1", "a lamp of negative watts")]
    [TestCase("lamp,id=broken", "the lamp is broken")]
    [TestCase("""{"qom-type":"lamp","id":5}""", "Invalid parameter type for 'id', expected: string")]
    [TestCase("""{"qom-type":"lamp","id":null}""", "Invalid parameter type for 'id', expected: string")]
    [TestCase("""{"qom-type":"lamp","id":"l0","watts":"5"}""", "Invalid parameter type for 'watts', expected: integer")]
    [TestCase("""{"qom-type":"lamp","id":"l0","watts":1.5}""", "Invalid parameter type for 'watts', expected: integer")]
    [TestCase("""{"qom-type":"lamp","id":"l0","watts":null}""", "Invalid parameter type for 'watts', expected: integer")]
    [TestCase("""{"qom-type":"lamp","id":"l0","watts":{"x":1}}""", "Invalid parameter type for 'watts', expected: integer")]
    [TestCase("""{"qom-type":"lamp","id":"l0","colour":5}""", "Invalid parameter type for 'colour', expected: string")]
    [TestCase("""{"qom-type":"lamp","id":"l0","dim":"on"}""", "Invalid parameter type for 'dim', expected: boolean")]
    [TestCase("""{"qom-type":"lamp","id":"l0","spot":null}""", "Invalid parameter type for 'spot', expected: object")]
    [TestCase("""{"qom-type":"lamp","id":"l0","spot":[]}""", "Invalid parameter type for 'spot', expected: object")]
    [TestCase("""{"qom-type":"lamp","id":"l0","props":5}""", "Invalid parameter type for 'props', expected: object")]
    [TestCase("""{"qom-type":"lamp","id":"l0","watts":1,"props":{"watts":2}}""", "'watts' and 'props.watts' can't be used at the same time")]
    public void What_cannot_be_created_leaves_nothing(string options, string text) => _fixture.Run(async () =>
    {
        Assert.That((await Failure.OfAsync(() => AddAsync(options))).Message, Is.EqualTo(text), "the text");
        Assert.That(Graph.Objects.All, Is.Empty, "no object");
        Assert.That(_type.LitCount, Is.Zero, "none in effect");
        Assert.That(_type.DisposedCount, Is.EqualTo(_type.Made.Count), "what was made is disposed");
    });

    [Test]
    public void An_id_that_is_taken_is_refused_and_the_first_object_stays() => _fixture.Run(async () =>
    {
        await AddAsync("lamp,id=l0,watts=1");
        BlockException error = await Failure.OfAsync(() => AddAsync("lamp,id=l0,watts=2"));
        Assert.That(error.Message, Is.EqualTo("attempt to add duplicate property 'l0' to object (type 'container')"), "the text");
        Assert.That((await Graph.ObjectTree.GetPropertyAsync("l0", "watts")).AsText, Is.EqualTo("1"), "the first");
        Assert.That(_type.LitCount, Is.EqualTo(1), "the second never came into effect");
    });

    [Test]
    public void Own_semantics_name_the_nearest() => _fixture.Run(async () =>
    {
        await using NodeGraph own = new(MainLoop.Pumped(_fixture.Context), [], null, [_type]);
        Assert.That((await Failure.OfAsync(() => own.ObjectTree.AddAsync(Read("lmp,id=l0")))).Message, Does.EndWith(" (did you mean 'lamp'?)"), "the type");
        Assert.That((await Failure.OfAsync(() => own.ObjectTree.AddAsync(Read("lamp,id=l0,wats=1")))).Message, Does.EndWith(" (did you mean 'watts'?)"), "the option");
    });

    [Test]
    public void Options_may_lie_in_props_as_they_once_did() => _fixture.Run(async () =>
    {
        await AddAsync("""{"qom-type":"lamp","id":"l0","props":{"watts":7,"spot":{"angle":8}}}""");
        Assert.That(_type.Made.Single(), Is.EqualTo(("l0", (string?)null, 7L, 8L, true)), "taken from there");
    });

    [Test]
    public void An_empty_group_of_options_says_nothing() => _fixture.Run(async () =>
    {
        await AddAsync("""{"qom-type":"lamp","id":"l0","spot":{}}""");
        Assert.That(_type.Made.Single().Angle, Is.Zero, "the default");
    });

    [Test]
    public void An_object_is_deleted_unless_it_is_in_use() => _fixture.Run(async () =>
    {
        Lamp lamp = (Lamp)await AddAsync("lamp,id=l0");
        lamp.IsInUse = true;
        Assert.That((await Failure.OfAsync(() => Graph.ObjectTree.DeleteAsync("l0"))).Message, Is.EqualTo("object 'l0' is in use, can not be deleted"), "in use");
        Assert.That((await Failure.OfAsync(() => Graph.ObjectTree.DeleteAsync("l1"))).Message, Is.EqualTo("object 'l1' not found"), "unknown");
        lamp.IsInUse = false;
        await Graph.ObjectTree.DeleteAsync("l0");
        Assert.That(_type.DisposedCount, Is.EqualTo(1), "disposed");
        await AddAsync("lamp,id=l0");
    });

    [TestCase("l0")]
    [TestCase("/objects/l0")]
    [TestCase("objects/l0")]
    public void Properties_are_read_and_set_by_path(string path) => _fixture.Run(async () =>
    {
        await AddAsync("lamp,id=l0,watts=3");
        await Graph.ObjectTree.SetPropertyAsync(path, "watts", 40);
        Assert.That((await Graph.ObjectTree.GetPropertyAsync(path, "watts")).AsText, Is.EqualTo("40"), "set");
        Assert.That((await Graph.ObjectTree.GetPropertyAsync(path, "type")).AsText, Is.EqualTo("lamp"), "every object has a type");
        Assert.That((await Graph.ObjectTree.ListAsync(path)).Select(entry => (entry.Name, entry.TypeName)), Is.EqualTo(new[] { ("type", "string"), ("watts", "int"), ("fuse", "bool") }), "listed");
    });

    [TestCase("l0", "nope", "Property 'lamp.nope' not found")]
    [TestCase("l0", "fuse", "Property 'lamp.fuse' is not readable")]
    [TestCase("l1", "watts", "Device 'l1' not found")]
    [TestCase("/objects/l1", "watts", "Device '/objects/l1' not found")]
    [TestCase("/throttle-groups/l0", "limits", "Device '/throttle-groups/l0' not found")]
    [TestCase("", "watts", "Device '' not found")]
    public void What_cannot_be_read_is_told(string path, string property, string text) => _fixture.Run(async () =>
    {
        await AddAsync("lamp,id=l0");
        Assert.That((await Failure.OfAsync(() => Graph.ObjectTree.GetPropertyAsync(path, property))).Message, Is.EqualTo(text), "the text");
    });

    [TestCase("l0", "nope", "Property 'lamp.nope' not found")]
    [TestCase("l0", "type", "Property 'lamp.type' is not writable")]
    [TestCase("l1", "watts", "Device 'l1' not found")]
    [TestCase("l0", "watts", "a lamp of negative watts")]
    public void What_cannot_be_set_is_told(string path, string property, string text) => _fixture.Run(async () =>
    {
        await AddAsync("lamp,id=l0,watts=3");
        Assert.That((await Failure.OfAsync(() => Graph.ObjectTree.SetPropertyAsync(path, property, -1))).Message, Is.EqualTo(text), "the text");
        Assert.That((await Graph.ObjectTree.GetPropertyAsync("l0", "watts")).AsText, Is.EqualTo("3"), "nothing has changed");
    });

    [Test]
    public void Containers_list_what_is_in_them() => _fixture.Run(async () =>
    {
        await AddAsync("lamp,id=l0");
        await AddAsync("throttle-group,id=g0");
        Assert.That(await ListAsync("/"), Is.EqualTo(new[] { "objects child<container>", "throttle-groups child<container>" }), "the root");
        Assert.That(await ListAsync("/objects"), Is.EqualTo(new[] { "l0 child<lamp>", "g0 child<throttle-group>" }), "objects");
        Assert.That(await ListAsync("throttle-groups"), Is.EqualTo(new[] { "g0 child<throttle-group>" }), "groups");
        Assert.That((await Failure.OfAsync(() => ListAsync("/nope"))).Message, Is.EqualTo("Device '/nope' not found"), "unknown");
    });

    [Test]
    public async Task Types_are_registered_with_a_container()
    {
        await using ServiceProvider services = new ServiceCollection().AddBlockGraph().AddBlockObjectType<LampType>().BuildServiceProvider();
        NodeGraph graph = services.GetRequiredService<NodeGraph>();
        Assert.That(graph.ObjectTree.Types.All.Select(type => type.Name), Is.EqualTo(new[] { "secret", "throttle-group", "lamp" }), "this library's and the registered");
        await graph.ObjectTree.AddAsync("lamp", "l0", []);
        Assert.That((await graph.ObjectTree.GetPropertyAsync("l0", "type")).AsText, Is.EqualTo("lamp"), "from another thread than the graph's");
    }

    private static OptionsDictionary Read(string text) => CommandOptions.ReadKeyvalOrJson(text, "qom-type", out _);

    private Task<IUserObject> AddAsync(string text) => Graph.ObjectTree.AddAsync(Read(text));

    private async Task<string[]> ListAsync(string path) => [.. (await Graph.ObjectTree.ListAsync(path)).Select(entry => $"{entry.Name} {entry.TypeName}")];

    private sealed class LampType : UserObjectType
    {
        public override string Name => "lamp";

        public override string Summary => "gives light";

        public override OptionSchema Options { get; } = new(
            new OptionDefinition("colour", OptionType.String, "its colour"),
            new OptionDefinition("watts", OptionType.Integer, "its power in watts"),
            new OptionDefinition("dim", OptionType.Boolean, "whether it can be dimmed"),
            new OptionDefinition("spot.angle", OptionType.Integer, "the angle of its beam, in degrees"));

        public List<(string Id, string? Colour, long Watts, long Angle, bool IsLit)> Made { get; } = [];

        public int LitCount => Made.Count(lamp => lamp.IsLit);

        public int DisposedCount { get; set; }

        public override IUserObject Create(UserObjectContext context)
        {
            Lamp lamp = new(this, context.Id) { Watts = context.Options.GetInteger("watts") };
            Made.Add((context.Id, context.Options.GetString("colour"), lamp.Watts, context.Options.GetInteger("spot.angle"), false));
            return lamp;
        }
    }

    private sealed class Lamp(LampType type, string id) : IUserObject
    {
        public string TypeName => "lamp";

        public bool IsInUse { get; set; }

        public long Watts { get; set; }

        public IReadOnlyList<ObjectProperty> Properties =>
        [
            ObjectProperty.TypeOf(TypeName),
            new ObjectProperty("watts", "int") { Read = () => Watts, Write = value => Watts = Positive((long)((OptionInteger)value).Value) },
            new ObjectProperty("fuse", "bool") { Write = _ => { } },
        ];

        public void Complete()
        {
            Positive(Watts);
            if (id == "broken")
            {
                throw new BlockException("the lamp is broken");
            }

            type.Made[^1] = type.Made[^1] with { IsLit = true };
        }

        public void Dispose() => type.DisposedCount++;

        private static long Positive(long watts) => watts >= 0 ? watts : throw new BlockException("a lamp of negative watts");
    }
}
