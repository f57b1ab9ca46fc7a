using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>Finds the metadata tokens among the operands of a method body.</summary>
internal static class InstructionTokens
{
    private const int TwoBytePrefix = 0xFE;

    private static readonly Dictionary<int, OperandType> OperandTypes = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value & 0xFFFF, code => code.OperandType);

    public static IEnumerable<EntityHandle> Read(BlobReader code)
    {
        List<EntityHandle> handles = [];
        while (code.RemainingBytes > 0)
        {
            int value = code.ReadByte();
            if (value == TwoBytePrefix)
            {
                value = (TwoBytePrefix << 8) | code.ReadByte();
            }

            ReadOperand(ref code, OperandTypes[value], handles);
        }

        return handles;
    }

    private static void ReadOperand(ref BlobReader code, OperandType type, List<EntityHandle> handles)
    {
        switch (type)
        {
            case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineType or OperandType.InlineTok or OperandType.InlineSig:
                handles.Add(MetadataTokens.EntityHandle(code.ReadInt32()));
                break;
            case OperandType.InlineSwitch:
                int targetCount = code.ReadInt32();
                code.Offset += checked(targetCount * sizeof(int));
                break;
            default:
                code.Offset += OperandBytes(type);
                break;
        }
    }

    private static int OperandBytes(OperandType type) => type switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineBrTarget or OperandType.InlineI or OperandType.InlineString or OperandType.ShortInlineR => 4,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => throw new BadImageFormatException($"Operand type {type} is unknown."),
    };
}
