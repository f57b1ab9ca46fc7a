using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>
/// Reads who mentions whom from a built assembly: base types, interfaces, constraints, attributes, fields, signatures, locals, caught
/// exceptions and the operands of every instruction. What the compiler folds away (constants, <c>nameof</c>) leaves no trace.
/// </summary>
internal sealed class AssemblyScan
{
    private readonly PEReader _image;
    private readonly MetadataReader _reader;

    private AssemblyScan(PEReader image)
    {
        _image = image;
        _reader = image.GetMetadataReader();
    }

    public static IReadOnlySet<TypeDependency> Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Read(stream);
    }

    public static IReadOnlySet<TypeDependency> Read(Stream assembly)
    {
        using PEReader image = new(assembly, PEStreamOptions.PrefetchEntireImage | PEStreamOptions.LeaveOpen);
        return new AssemblyScan(image).Read();
    }

    private HashSet<TypeDependency> Read()
    {
        HashSet<TypeDependency> dependencies = [];
        foreach (TypeDefinitionHandle handle in _reader.TypeDefinitions)
        {
            TypeCollector collector = new(_reader);
            TypeIdentity from = collector.Identify(handle);
            Collect(_reader.GetTypeDefinition(handle), collector);
            if (IsInstrumentation(from))
            {
                continue;
            }

            dependencies.UnionWith(collector.Types
                .Where(to => to != from && !IsInstrumentation(to))
                .Select(to => new TypeDependency(from, to)));
        }

        return dependencies;
    }

    /// <summary>A coverage run rewrites the assemblies beside the tests; what it adds is none of ours.</summary>
    private static bool IsInstrumentation(TypeIdentity type) => type.Namespace.StartsWith("Coverlet.", StringComparison.Ordinal);

    private void Collect(TypeDefinition type, TypeCollector collector)
    {
        collector.Add(type.BaseType);
        Collect(type.GetCustomAttributes(), collector);
        Collect(type.GetGenericParameters(), collector);
        foreach (InterfaceImplementationHandle handle in type.GetInterfaceImplementations())
        {
            collector.Add(_reader.GetInterfaceImplementation(handle).Interface);
        }

        foreach (FieldDefinitionHandle handle in type.GetFields())
        {
            FieldDefinition field = _reader.GetFieldDefinition(handle);
            field.DecodeSignature(collector, null);
            Collect(field.GetCustomAttributes(), collector);
        }

        foreach (PropertyDefinitionHandle handle in type.GetProperties())
        {
            Collect(_reader.GetPropertyDefinition(handle).GetCustomAttributes(), collector);
        }

        foreach (EventDefinitionHandle handle in type.GetEvents())
        {
            Collect(_reader.GetEventDefinition(handle).GetCustomAttributes(), collector);
        }

        foreach (MethodDefinitionHandle handle in type.GetMethods())
        {
            Collect(_reader.GetMethodDefinition(handle), collector);
        }
    }

    private void Collect(MethodDefinition method, TypeCollector collector)
    {
        method.DecodeSignature(collector, null);
        Collect(method.GetCustomAttributes(), collector);
        Collect(method.GetGenericParameters(), collector);
        foreach (ParameterHandle handle in method.GetParameters())
        {
            Collect(_reader.GetParameter(handle).GetCustomAttributes(), collector);
        }

        if (method.RelativeVirtualAddress == 0)
        {
            return;
        }

        MethodBodyBlock body = _image.GetMethodBody(method.RelativeVirtualAddress);
        collector.Add(body.LocalSignature);
        foreach (ExceptionRegion region in body.ExceptionRegions)
        {
            collector.Add(region.CatchType);
        }

        foreach (EntityHandle handle in InstructionTokens.Read(body.GetILReader()))
        {
            collector.Add(handle);
        }
    }

    private void Collect(CustomAttributeHandleCollection attributes, TypeCollector collector)
    {
        foreach (CustomAttributeHandle handle in attributes)
        {
            collector.Add(_reader.GetCustomAttribute(handle).Constructor);
        }
    }

    private void Collect(GenericParameterHandleCollection parameters, TypeCollector collector)
    {
        foreach (GenericParameterHandle handle in parameters)
        {
            foreach (GenericParameterConstraintHandle constraint in _reader.GetGenericParameter(handle).GetConstraints())
            {
                collector.Add(_reader.GetGenericParameterConstraint(constraint).Type);
            }
        }
    }
}
